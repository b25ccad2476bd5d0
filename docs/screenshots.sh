#!/usr/bin/env bash
# Makes the README's pictures of the console from `fenzhen demo`. Needs Debian's `chromium` and
# `fonts-noto-cjk`; the program is the first argument, or is built.
set -euo pipefail
cd "$(dirname "$0")/.."

fenzhen=${1:-}
if [ -z "$fenzhen" ]; then
  cargo build --release --locked
  fenzhen=target/release/fenzhen
fi
work=$(mktemp -d)
"$fenzhen" demo --listen 127.0.0.1:0 2>"$work/log" &
demo=$!
trap 'kill "$demo"; rm -rf "$work"' EXIT
until address=$(sed -n 's/^open \(.*\)\/console$/\1/p' "$work/log") && [ -n "$address" ]; do
  kill -0 "$demo"
  sleep 0.2
done

# picture PAGE NAME WIDTH HEIGHT [SWITCH]: 0 for the color scheme is dark, 1 light.
picture() {
  chromium --headless --no-sandbox --disable-gpu --hide-scrollbars --force-device-scale-factor=0.8 \
    --user-data-dir="$work/profile" --blink-settings=preferredColorScheme="${5:-1}" \
    --window-size="$3,$4" --screenshot="docs/$2.png" \
    "$address/console/$1" 2>/dev/null
}
picture review console-review 1280 800
picture queues console-queues 1280 720 0
picture statistics console-statistics 1280 800
ls -l docs/*.png
