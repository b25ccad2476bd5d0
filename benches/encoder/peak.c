// What AMX could do if nothing but products of bytes were computed: one thread, operations a second.
// cc -O2 -mamx-tile -mamx-int8 peak.c && ./a.out
#include <immintrin.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

struct shapes {
  uint8_t palette, first_row, reserved[14];
  uint16_t row_bytes[16];
  uint8_t n_rows[16];
};

int main(void) {
  const long ask_permission = 0x1023, tile_data = 18;
  if (syscall(SYS_arch_prctl, ask_permission, tile_data)) return 1;
  struct shapes shapes = {.palette = 1};
  for (int tile = 0; tile < 8; tile++) shapes.row_bytes[tile] = 64, shapes.n_rows[tile] = 16;
  _tile_loadconfig(&shapes);
  struct timespec before, after;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &before);
  const long n_rounds = 3000000;
  for (long round = 0; round < n_rounds; round++) {
    _tile_dpbusd(0, 4, 6);
    _tile_dpbusd(1, 4, 7);
    _tile_dpbusd(2, 5, 6);
    _tile_dpbusd(3, 5, 7);
  }
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &after);
  _tile_release();
  double seconds = after.tv_sec - before.tv_sec + (after.tv_nsec - before.tv_nsec) * 1e-9;
  printf("%.0f\n", n_rounds * 4 * 2 * 16.0 * 16 * 64 / seconds);
}
