#ifndef CALLOCATIONCOUNT_H
#define CALLOCATIONCOUNT_H

#include <stdint.h>

/// Starts counting the allocations (malloc, calloc, realloc, aligned) of this thread.
void allocation_count_begin(void);
/// Ends counting; gives how many there were since the beginning.
uint64_t allocation_count_end(void);

#endif
