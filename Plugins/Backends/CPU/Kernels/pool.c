// A pool of threads for runs of a few microseconds: workers spin while a step lasts and sleep on a futex otherwise.
//
// One 64-bit word is the whole protocol: generation (high 32 bits), an `open` bit, and how many workers are inside. A worker enters only
// while the run is open; the caller takes jobs itself, closes the run when none are left and waits only for workers that did enter. So a
// worker that the system has taken away never delays a run that it has not begun.
#define _GNU_SOURCE
#include "table.h"
#include "Quant/quant_table.h"
#include <limits.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>
#if defined(__linux__)
#include <linux/futex.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#endif

// A yield takes about a third of a microsecond where nobody else wants the processor. Between two steps of a decoder the pool rests for
// less than the two milliseconds of `idle_yields`, and to wake a sleeping thread may take half a millisecond.
enum { open_bit = 1 << 16, inside_mask = 0xffff, spins_before_yield = 4000, idle_yields = 5000, yields_before_sleep = 20000 };

struct av_pool {
  _Alignas(64) _Atomic uint64_t state;
  _Alignas(64) _Atomic int64_t next;
  int64_t jobs;
  av_job job;
  void *context;
  _Alignas(64) _Atomic uint32_t ticket;
  _Atomic int32_t sleepers;
  _Atomic bool awake, stop, cancelled;
  bool (*check)(void *);
  void *check_context;
  int threads;
  av_isa isa;
  const av_table *table;
  const av_quant_table *quant;
  pthread_t *workers;
  int started;
  char *memory;  // scratch of each thread, then the shared part
};

typedef struct { av_pool *pool; int thread; } worker_start;

static inline void relax(void) {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  __asm__ volatile("yield");
#endif
}

static void sleep_on(_Atomic uint32_t *word, uint32_t seen) {
#if defined(__linux__)
  syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, seen, NULL, NULL, 0);
#else
  if (atomic_load(word) == seen) usleep(200);
#endif
}

static void wake_sleepers(av_pool *pool) {
  if (atomic_load(&pool->sleepers) == 0) return;
  atomic_fetch_add(&pool->ticket, 1);
#if defined(__linux__)
  syscall(SYS_futex, &pool->ticket, FUTEX_WAKE_PRIVATE, INT_MAX, NULL, NULL, 0);
#endif
}

static void take_jobs(av_pool *pool, int thread) {
  for (;;) {
    if (atomic_load_explicit(&pool->cancelled, memory_order_relaxed)) return;
    int64_t i = atomic_fetch_add_explicit(&pool->next, 1, memory_order_relaxed);
    if (i >= pool->jobs) return;
    pool->job(pool->context, i, thread);
    if (thread == 0 && pool->check && pool->check(pool->check_context)) atomic_store_explicit(&pool->cancelled, true, memory_order_relaxed);
  }
}

/// Waits for a run after generation `seen`; false when the pool ends.
static bool wait_for_run(av_pool *pool, uint32_t seen) {
  for (int turn = 0;; turn++) {
    uint64_t state = atomic_load_explicit(&pool->state, memory_order_acquire);
    if ((uint32_t)(state >> 32) != seen) return true;
    if (atomic_load_explicit(&pool->stop, memory_order_relaxed)) return false;
    bool awake = atomic_load_explicit(&pool->awake, memory_order_relaxed);
    int patience = spins_before_yield + (awake ? yields_before_sleep : idle_yields);
    if (turn < patience) {
      if (turn < spins_before_yield) relax(); else sched_yield();
      continue;
    }
    uint32_t ticket = atomic_load(&pool->ticket);
    atomic_fetch_add(&pool->sleepers, 1);
    state = atomic_load(&pool->state);
    if ((uint32_t)(state >> 32) == seen && !atomic_load(&pool->stop)) sleep_on(&pool->ticket, ticket);
    atomic_fetch_sub(&pool->sleepers, 1);
    turn = 0;
  }
}

static void *work(void *argument) {
  worker_start start = *(worker_start *)argument;
  free(argument);
  av_pool *pool = start.pool;
  uint32_t seen = 0;
  while (wait_for_run(pool, seen)) {
    uint64_t state = atomic_load_explicit(&pool->state, memory_order_acquire);
    seen = (uint32_t)(state >> 32);
    bool entered = false;
    while ((state & open_bit) && (uint32_t)(state >> 32) == seen && !entered)
      entered = atomic_compare_exchange_weak_explicit(&pool->state, &state, state + 1, memory_order_acq_rel, memory_order_acquire);
    if (!entered) continue;
    take_jobs(pool, start.thread);
    atomic_fetch_sub_explicit(&pool->state, 1, memory_order_release);
  }
  return NULL;
}

/// Memory in huge pages where the system has them: packed factors are read over and over from the second level cache, and in some of the minutes in which AMX's tiles came
/// at a quarter of their speed from small pages, they came at all of it from huge ones.
static char *working_memory(size_t bytes) {
  enum { huge_page = 2 << 20 };
  char *memory = aligned_alloc(huge_page, (bytes + huge_page - 1) / huge_page * huge_page);
#if defined(__linux__)
  if (memory) madvise(memory, bytes, MADV_HUGEPAGE);
#endif
  return memory;
}

av_pool *av_pool_create(int threads, av_isa isa) {
  if (threads < 1 || threads > inside_mask) return NULL;
  av_pool *pool = aligned_alloc(64, sizeof(av_pool));
  if (!pool) return NULL;
  *pool = (av_pool){.threads = threads, .isa = isa > av_isa_best() ? av_isa_best() : isa};
  pool->table = &av_table_scalar;
#if defined(__x86_64__)
  if (pool->isa == AV_ISA_AVX2) pool->table = &av_table_avx2;
  if (pool->isa >= AV_ISA_AVX512) pool->table = &av_table_avx512;
#endif
  pool->quant = av_quant_for(pool->isa);
  pool->workers = calloc((size_t)threads, sizeof(pthread_t));
  pool->memory = working_memory((size_t)threads * av_scratch_bytes + av_shared_bytes);
  bool good = pool->workers && pool->memory;
  for (int i = 1; i < threads && good; i++) {
    worker_start *start = malloc(sizeof *start);
    if (start) *start = (worker_start){pool, i};
    good = start && pthread_create(&pool->workers[i], NULL, work, start) == 0;
    if (good) pool->started = i; else free(start);
  }
  if (good) return pool;
  av_pool_destroy(pool);
  return NULL;
}

void av_pool_destroy(av_pool *pool) {
  if (!pool) return;
  atomic_store(&pool->stop, true);
  // A worker counts itself among the sleepers before it looks at `stop`, so it either sees it or is woken here.
  atomic_fetch_add(&pool->ticket, 1);
  wake_sleepers(pool);
  for (int i = 1; i <= pool->started; i++) pthread_join(pool->workers[i], NULL);
  free(pool->workers);
  free(pool->memory);
  free(pool);
}

av_isa av_pool_isa(const av_pool *pool) { return pool->isa; }
int av_pool_threads(const av_pool *pool) { return pool->threads; }
const av_quant_table *av_quant(const av_pool *pool) { return pool->quant; }
bool av_pool_use_quant(av_pool *pool, const char *name) {
  const av_quant_table *found = av_quant_named(name);
  if (found) pool->quant = found;
  return found != NULL;
}
const av_table *av_kernels(const av_pool *pool) { return pool->table; }
void *av_scratch(av_pool *pool, int thread) { return pool->memory + (int64_t)thread * av_scratch_bytes; }
void *av_shared(av_pool *pool) { return pool->memory + (int64_t)pool->threads * av_scratch_bytes; }

int64_t av_jobs(const av_pool *pool, int64_t work, int64_t limit) {
  // A few jobs for each thread even out what else the machine does; more only so that cancelling need not wait for long ones.
  const int64_t worthwhile = 8000, grain = 50000, longest = 5000000;
  if (work < 2 * worthwhile) return 1;
  int64_t jobs = work / grain, least = pool->threads, most = 8 * (int64_t)pool->threads;
  if (most < work / longest) most = work / longest;
  jobs = jobs < least ? least : jobs > most ? most : jobs;
  return jobs < limit ? jobs : limit > 1 ? limit : 1;
}

void av_pool_run(av_pool *pool, int64_t jobs, av_job job, void *context) {
  if (jobs <= 0 || atomic_load_explicit(&pool->cancelled, memory_order_relaxed)) return;
  pool->jobs = jobs;
  pool->job = job;
  pool->context = context;
  atomic_store_explicit(&pool->next, 0, memory_order_relaxed);
  if (jobs == 1 || pool->threads == 1) {
    take_jobs(pool, 0);
    return;
  }
  uint64_t generation = (uint32_t)((atomic_load_explicit(&pool->state, memory_order_relaxed) >> 32) + 1);
  atomic_store(&pool->state, generation << 32 | open_bit);
  wake_sleepers(pool);
  take_jobs(pool, 0);
  atomic_fetch_and(&pool->state, ~(uint64_t)open_bit);
  for (int turn = 0; atomic_load_explicit(&pool->state, memory_order_acquire) & inside_mask; turn++)
    if (turn < spins_before_yield) relax(); else sched_yield();
}

void av_pool_wake(av_pool *pool) {
  atomic_store(&pool->awake, true);
  wake_sleepers(pool);
}
void av_pool_rest(av_pool *pool) { atomic_store(&pool->awake, false); }

void av_pool_set_cancel(av_pool *pool, bool (*check)(void *), void *context) {
  pool->check = check;
  pool->check_context = context;
  atomic_store(&pool->cancelled, false);
}
bool av_pool_cancelled(const av_pool *pool) { return atomic_load_explicit(&((av_pool *)pool)->cancelled, memory_order_relaxed); }
