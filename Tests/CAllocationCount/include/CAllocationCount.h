// Counts what a thread takes from the heap, for tests that promise to take nothing.
#pragma once
#include <stdbool.h>

/// Whether allocations can be counted in this build (glibc, no address sanitizer).
bool allocation_count_works(void);
/// Starts counting the calling thread's allocations from 0.
void allocation_count_begin(void);
/// Stops, and returns how many there were.
long allocation_count_end(void);
