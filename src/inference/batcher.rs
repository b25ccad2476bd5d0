//! A queue with worker threads for answers that take milliseconds. Workers take what is there, never
//! wait for more, and take it in the order in which it came, so that a long text delays those after
//! it by its own length and nobody is overtaken. It knows no async runtime: who waits for a job
//! leaves a way to answer in it.

use std::{
    collections::VecDeque,
    fmt,
    num::NonZero,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    thread::{self, JoinHandle},
};

/// Something that a worker is to do.
pub trait Job: Send + 'static {
    /// About how many tokens it has.
    fn n_tokens(&self) -> usize;

    /// Whether nobody waits for it any more.
    fn is_cancelled(&self) -> bool;

    /// What happens to it then, in place of the work.
    fn cancel(&self);
}

/// How much is done and kept at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BatchLimits {
    /// Worker threads.
    pub n_workers: NonZero<usize>,
    /// Jobs that wait before the next is refused.
    pub max_waiting: usize,
    /// Tokens that a worker takes at once, or one job if that has more.
    pub max_tokens: usize,
}

impl Default for BatchLimits {
    fn default() -> Self {
        let n_workers = thread::available_parallelism().unwrap_or(NonZero::<usize>::MIN);
        Self { n_workers, max_waiting: 256, max_tokens: 512 }
    }
}

/// The queue and its workers. When it is dropped, they finish what is waiting.
pub struct Batcher<J> {
    shared: Arc<Shared<J>>,
    workers: Vec<JoinHandle<()>>,
}

struct Shared<J> {
    queue: Mutex<Queue<J>>,
    changed: Condvar,
    limits: BatchLimits,
}

struct Queue<J> {
    waiting: VecDeque<J>,
    is_closed: bool,
}

impl<J: Job> Batcher<J> {
    /// Starts workers that hand batches of jobs to `work`. A panic of it costs that batch alone.
    ///
    /// # Panics
    /// When the operating system refuses a thread.
    pub fn start(limits: BatchLimits, work: impl Fn(Vec<J>) + Send + Sync + 'static) -> Self {
        let queue = Mutex::new(Queue { waiting: VecDeque::new(), is_closed: false });
        let shared = Arc::new(Shared { queue, changed: Condvar::new(), limits });
        let work = Arc::new(work);
        let worker = |idx: usize| {
            let (shared, work) = (Arc::clone(&shared), Arc::clone(&work));
            let run = move || {
                while let Some(batch) = shared.take() {
                    // A batch that panicked has dropped its jobs, and whoever waits for them sees it.
                    drop(catch_unwind(AssertUnwindSafe(|| work(batch))));
                }
            };
            let thread = thread::Builder::new().name(format!("encoder-{idx}"));
            thread.spawn(run).expect("the operating system gives a few threads")
        };
        let workers = (0..limits.n_workers.get()).map(worker).collect();
        Self { shared, workers }
    }

    /// Puts a job at the end of the queue, or gives it back when the queue is full.
    pub fn submit(&self, job: J) -> Result<(), J> {
        let mut queue = self.shared.lock();
        if self.shared.limits.max_waiting <= queue.waiting.len() {
            queue.waiting.retain(|job| {
                let is_cancelled = job.is_cancelled();
                if is_cancelled {
                    job.cancel();
                }
                !is_cancelled
            });
            if self.shared.limits.max_waiting <= queue.waiting.len() {
                return Err(job);
            }
        }
        queue.waiting.push_back(job);
        drop(queue);
        self.shared.changed.notify_one();
        Ok(())
    }

    /// How many jobs wait.
    pub fn n_waiting(&self) -> usize {
        self.shared.lock().waiting.len()
    }
}

impl<J: Job> Shared<J> {
    /// The next batch; nothing once the queue is closed and empty.
    fn take(&self) -> Option<Vec<J>> {
        let mut queue = self.lock();
        loop {
            let batch = queue.next_batch(self.limits);
            if !batch.is_empty() {
                return Some(batch);
            }
            if queue.is_closed {
                return None;
            }
            queue = self.changed.wait(queue).unwrap_or_else(PoisonError::into_inner);
        }
    }
}

impl<J> Shared<J> {
    /// No code of others runs while the lock is held but for what jobs say of themselves, so that a
    /// poisoned queue is as good as any.
    fn lock(&self) -> MutexGuard<'_, Queue<J>> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<J: Job> Queue<J> {
    /// The first jobs that somebody waits for: within the tokens, and no more than leaves the other
    /// workers their share.
    fn next_batch(&mut self, limits: BatchLimits) -> Vec<J> {
        let share = self.waiting.len().div_ceil(limits.n_workers.get());
        let (mut batch, mut n_tokens) = (Vec::new(), 0);
        while let Some(job) = self.waiting.pop_front() {
            if job.is_cancelled() {
                job.cancel();
                continue;
            }
            n_tokens += job.n_tokens();
            let is_full = limits.max_tokens < n_tokens || share <= batch.len();
            if is_full && !batch.is_empty() {
                self.waiting.push_front(job);
                break;
            }
            batch.push(job);
        }
        batch
    }
}

impl<J> Drop for Batcher<J> {
    fn drop(&mut self) {
        self.shared.lock().is_closed = true;
        self.shared.changed.notify_all();
        for worker in self.workers.drain(..) {
            // Workers catch what panics in them.
            drop(worker.join());
        }
    }
}

impl<J> fmt::Debug for Batcher<J> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Batcher").field("limits", &self.shared.limits).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{
        atomic::{AtomicBool, AtomicUsize, Ordering},
        mpsc,
    };

    use proptest::prelude::*;

    use super::*;

    struct Text {
        name: usize,
        n_tokens: usize,
        cancelled: Arc<AtomicBool>,
        n_let_go: Arc<AtomicUsize>,
    }

    impl Job for Text {
        fn n_tokens(&self) -> usize {
            self.n_tokens
        }

        fn is_cancelled(&self) -> bool {
            self.cancelled.load(Ordering::Relaxed)
        }

        fn cancel(&self) {
            self.n_let_go.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn text(name: usize, n_tokens: usize) -> Text {
        Text { name, n_tokens, cancelled: Arc::default(), n_let_go: Arc::default() }
    }

    fn limits(n_workers: usize, max_waiting: usize) -> BatchLimits {
        BatchLimits { n_workers: n_workers.try_into().unwrap(), max_waiting, max_tokens: 100 }
    }

    /// One worker that tells what it took, and works on the first batch until it is let go.
    struct Held {
        batcher: Batcher<Text>,
        batches: mpsc::Receiver<Vec<(usize, usize)>>,
        go: mpsc::Sender<()>,
    }

    fn held(max_waiting: usize) -> Held {
        let (taken, done) = mpsc::channel();
        let (go, gate) = mpsc::channel::<()>();
        let gate = Mutex::new(gate);
        let batcher = Batcher::start(limits(1, max_waiting), move |batch: Vec<Text>| {
            taken.send(batch.iter().map(|it| (it.name, it.n_tokens)).collect()).unwrap();
            // An error means that everybody may go.
            let _ = gate.lock().unwrap().recv();
        });
        assert!(batcher.submit(text(usize::MAX, 1)).is_ok());
        assert_eq!(done.recv().unwrap(), [(usize::MAX, 1)]);
        Held { batcher, batches: done, go }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]

        #[test]
        fn nothing_is_lost_or_overtaken_and_batches_keep_to_their_tokens(
            lengths in prop::collection::vec(1_usize..150, 0..40),
        ) {
            let Held { batcher, batches, go } = held(40);
            for (name, &n_tokens) in lengths.iter().enumerate() {
                prop_assert!(batcher.submit(text(name, n_tokens)).is_ok());
            }
            drop(go);
            drop(batcher);
            let batches: Vec<Vec<(usize, usize)>> = batches.iter().collect();
            for batch in &batches {
                let n_tokens: usize = batch.iter().map(|(_, n_tokens)| n_tokens).sum();
                prop_assert!(n_tokens <= 100 || batch.len() == 1, "{:?}", batch);
            }
            let order: Vec<usize> = batches.concat().into_iter().map(|(name, _)| name).collect();
            prop_assert_eq!(order, (0..lengths.len()).collect::<Vec<_>>());
        }
    }

    #[test]
    fn a_full_queue_gives_jobs_back_until_somebody_leaves() {
        let Held { batcher, batches, go } = held(2);
        let first = text(0, 1);
        let (leave, n_let_go) = (Arc::clone(&first.cancelled), Arc::clone(&first.n_let_go));
        assert!(batcher.submit(first).is_ok());
        assert!(batcher.submit(text(1, 1)).is_ok());
        assert_eq!(batcher.submit(text(2, 1)).map_err(|job| job.name), Err(2));
        leave.store(true, Ordering::Relaxed);
        assert!(batcher.submit(text(3, 1)).is_ok());
        assert_eq!(batcher.n_waiting(), 2);
        assert_eq!(n_let_go.load(Ordering::Relaxed), 1);
        drop(go);
        drop(batcher);
        assert_eq!(batches.iter().collect::<Vec<_>>().concat(), [(1, 1), (3, 1)]);
    }

    #[test]
    fn what_nobody_waits_for_is_not_computed() {
        let Held { batcher, batches, go } = held(10);
        let jobs: Vec<Text> = (0..6).map(|name| text(name, 30)).collect();
        let leave: Vec<_> = jobs.iter().map(|job| Arc::clone(&job.cancelled)).collect();
        let n_let_go: Vec<_> = jobs.iter().map(|job| Arc::clone(&job.n_let_go)).collect();
        for job in jobs {
            assert!(batcher.submit(job).is_ok());
        }
        for idx in [0, 2, 5] {
            leave[idx].store(true, Ordering::Relaxed);
        }
        drop(go);
        drop(batcher);
        assert_eq!(batches.iter().collect::<Vec<_>>(), [[(1, 30), (3, 30), (4, 30)]]);
        let n_let_go = n_let_go.iter().map(|it| it.load(Ordering::Relaxed));
        assert_eq!(n_let_go.collect::<Vec<_>>(), [1, 0, 1, 0, 0, 1]);
    }

    #[test]
    fn a_panic_costs_its_batch_and_no_worker() {
        let (sender, done) = mpsc::channel();
        let batcher = Batcher::start(limits(2, 100), move |batch: Vec<Text>| {
            for job in batch {
                assert_ne!(job.name % 2, 0, "even jobs break");
                sender.send(job.name).unwrap();
            }
        });
        // One after the other, so that none shares its batch.
        for name in 0..20 {
            assert!(batcher.submit(text(name, 100)).is_ok());
        }
        drop(batcher);
        let mut done: Vec<usize> = done.iter().collect();
        done.sort_unstable();
        assert_eq!(done, (0..20).filter(|name| name % 2 == 1).collect::<Vec<_>>());
    }
}
