// The allocation functions of the C library with a counter in front. Defining them in the program takes the place of
// the library's own, whose work glibc offers under other names; elsewhere nothing is counted.
#include "CAllocationCount.h"

#include <errno.h>
#include <stddef.h>

static __thread uint64_t count;
static __thread int is_counting;

void allocation_count_begin(void) {
  count = 0;
  is_counting = 1;
}

uint64_t allocation_count_end(void) {
  is_counting = 0;
  return count;
}

#ifdef __GLIBC__
extern void *__libc_malloc(size_t);
extern void *__libc_calloc(size_t, size_t);
extern void *__libc_realloc(void *, size_t);
extern void *__libc_memalign(size_t, size_t);

void *malloc(size_t size) {
  count += is_counting;
  return __libc_malloc(size);
}

void *calloc(size_t n, size_t size) {
  count += is_counting;
  return __libc_calloc(n, size);
}

void *realloc(void *old, size_t size) {
  count += is_counting;
  return __libc_realloc(old, size);
}

void *memalign(size_t alignment, size_t size) {
  count += is_counting;
  return __libc_memalign(alignment, size);
}

void *aligned_alloc(size_t alignment, size_t size) { return memalign(alignment, size); }

int posix_memalign(void **result, size_t alignment, size_t size) {
  if (alignment < sizeof(void *) || (alignment & (alignment - 1))) return EINVAL;
  void *memory = memalign(alignment, size);
  if (!memory) return ENOMEM;
  *result = memory;
  return 0;
}
#endif
