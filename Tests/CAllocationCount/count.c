// The executable's own malloc family comes before the C library's, counts, and hands on.
#include "CAllocationCount.h"
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>

#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SANITIZED 1
#endif
#endif

static _Thread_local bool counting;
static _Thread_local long count;

void allocation_count_begin(void) { count = 0; counting = true; }
long allocation_count_end(void) { counting = false; return count; }

#if defined(__GLIBC__) && !defined(SANITIZED)
bool allocation_count_works(void) { return true; }

extern void *__libc_malloc(size_t), *__libc_calloc(size_t, size_t), *__libc_realloc(void *, size_t), *__libc_memalign(size_t, size_t);

void *malloc(size_t size) { count += counting; return __libc_malloc(size); }
void *calloc(size_t n, size_t size) { count += counting; return __libc_calloc(n, size); }
void *realloc(void *old, size_t size) { count += counting; return __libc_realloc(old, size); }
void *memalign(size_t alignment, size_t size) { count += counting; return __libc_memalign(alignment, size); }
void *aligned_alloc(size_t alignment, size_t size) { count += counting; return __libc_memalign(alignment, size); }
int posix_memalign(void **out, size_t alignment, size_t size) {
  count += counting;
  *out = __libc_memalign(alignment, size);
  return *out || size == 0 ? 0 : ENOMEM;
}
#else
bool allocation_count_works(void) { return false; }
#endif
