// Walking strided tensors.
#pragma once
#include "table.h"

/// Whether the strides are row-major; axes of size 1 may have any.
bool av_is_contiguous(int32_t rank, const int64_t *shape, const int64_t *strides);
/// Copies elements first..<first + n of the row-major order of a strided tensor of elements of `bytes` to `out`.
void av_gather_strided(int32_t rank, const int64_t *shape, const int64_t *strides, int64_t bytes, const void *x, int64_t first, int64_t n,
                       void *out);
/// Copies `n` elements of `bytes` (1, 2, 4, 8) with steps counted in elements.
void av_copy_run(int64_t bytes, const void *x, int64_t x_step, void *y, int64_t y_step, int64_t n);
