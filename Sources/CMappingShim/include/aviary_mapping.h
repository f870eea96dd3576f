// Mapped files that another program may shorten: what is read behind the new end is zeros and a mark, not the death of the process.
#pragma once
#include <stdbool.h>
#include <stddef.h>

/// Watches a mapping from now on; a handler of SIGBUS is installed with the first one. -1 where 4096 mappings are watched already (such a
/// mapping is read without a net).
int aviary_mapping_watch(const void *start, size_t size);
/// Whether a read in that mapping found no file behind it. The mapping holds zeros from there on.
bool aviary_mapping_is_broken(int watch);
/// Ends the watch; before munmap. -1 is allowed.
void aviary_mapping_forget(int watch);
