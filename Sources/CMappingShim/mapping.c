#define _GNU_SOURCE
#include "aviary_mapping.h"
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

// The handler may run at any moment on any thread, so it reads atomics only and calls nothing but mmap and sigaction. An entry is free where
// its size is 0; `start` is written before `size`, and `size` is cleared first.
enum { most = 4096 };
static struct {
  _Atomic uintptr_t start;
  _Atomic size_t size;
  _Atomic bool broken;
} entries[most];
static _Atomic int used;  // entries that were ever in use
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct sigaction previous;
static _Atomic uintptr_t page;

static void on_bus_error(int number, siginfo_t *info, void *context) {
  uintptr_t at = (uintptr_t)info->si_addr;
  for (int i = 0, count = atomic_load(&used); i < count; i++) {
    size_t size = atomic_load(&entries[i].size);
    uintptr_t start = atomic_load(&entries[i].start);
    if (size == 0 || at < start || at - start >= size) continue;
    atomic_store(&entries[i].broken, true);
    // From the page that failed to the end: a file loses its tail. The read is then tried again and finds zeros.
    uintptr_t first = at & ~(atomic_load(&page) - 1);
    if (mmap((void *)first, start + size - first, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | MAP_NORESERVE, -1, 0) != MAP_FAILED) return;
  }
  // Not ours: as it would have gone without us. The fault comes again as soon as this returns.
  if (previous.sa_flags & SA_SIGINFO && previous.sa_sigaction) previous.sa_sigaction(number, info, context);
  else sigaction(SIGBUS, &previous, NULL);
}

int aviary_mapping_watch(const void *start, size_t size) {
  if (size == 0) return -1;
  pthread_mutex_lock(&lock);
  if (atomic_load(&page) == 0) {
    atomic_store(&page, (uintptr_t)sysconf(_SC_PAGESIZE));
    struct sigaction action = {.sa_sigaction = on_bus_error, .sa_flags = SA_SIGINFO | SA_NODEFER | SA_ONSTACK};
    sigemptyset(&action.sa_mask);
    sigaction(SIGBUS, &action, &previous);
  }
  int found = -1;
  for (int i = 0; i < most && found < 0; i++)
    if (atomic_load(&entries[i].size) == 0) found = i;
  if (found >= 0) {
    atomic_store(&entries[found].broken, false);
    atomic_store(&entries[found].start, (uintptr_t)start);
    atomic_store(&entries[found].size, size);
    if (found >= atomic_load(&used)) atomic_store(&used, found + 1);
  }
  pthread_mutex_unlock(&lock);
  return found;
}

bool aviary_mapping_is_broken(int watch) { return watch >= 0 && atomic_load_explicit(&entries[watch].broken, memory_order_relaxed); }

void aviary_mapping_forget(int watch) {
  if (watch < 0) return;
  pthread_mutex_lock(&lock);
  atomic_store(&entries[watch].size, 0);
  pthread_mutex_unlock(&lock);
}
