// Walking strided tensors: runs along the last axis, the outer axes counted like an odometer.
#include "odometer.h"
#include <string.h>

bool av_is_contiguous(int32_t rank, const int64_t *shape, const int64_t *strides) {
  int64_t step = 1;
  for (int axis = rank - 1; axis >= 0; axis--) {
    if (shape[axis] != 1 && strides[axis] != step) return false;
    step *= shape[axis];
  }
  return true;
}

void av_copy_run(int64_t bytes, const void *x, int64_t x_step, void *y, int64_t y_step, int64_t n) {
  if (x_step == 1 && y_step == 1) { memcpy(y, x, (size_t)(n * bytes)); return; }
#define EACH(size, type) \
  case size: { \
    const char *from = x; char *to = y; type v; \
    if (x_step == 0 && y_step == 1) { memcpy(&v, from, size); for (int64_t i = 0; i < n; i++) memcpy(to + i * size, &v, size); break; } \
    for (int64_t i = 0; i < n; i++) { memcpy(&v, from + i * x_step * size, size); memcpy(to + i * y_step * size, &v, size); } \
    break; \
  }
  switch (bytes) { EACH(1, uint8_t) EACH(2, uint16_t) EACH(4, uint32_t) EACH(8, uint64_t) }
#undef EACH
}

void av_gather_strided(int32_t rank, const int64_t *shape, const int64_t *strides, int64_t bytes, const void *x, int64_t first, int64_t n,
                       void *out) {
  if (rank == 0) { memcpy(out, x, (size_t)(n * bytes)); return; }
  int64_t at[8], offset = 0, rest = first;
  for (int axis = rank - 1; axis >= 0; axis--) {
    at[axis] = rest % shape[axis];
    rest /= shape[axis];
    offset += at[axis] * strides[axis];
  }
  char *y = out;
  const int inner = rank - 1;
  while (n > 0) {
    int64_t run = shape[inner] - at[inner];
    if (run > n) run = n;
    av_copy_run(bytes, (const char *)x + offset * bytes, strides[inner], y, 1, run);
    y += run * bytes;
    n -= run;
    at[inner] += run;
    offset += run * strides[inner];
    for (int axis = inner; axis > 0 && at[axis] == shape[axis]; axis--) {
      offset += strides[axis - 1] - shape[axis] * strides[axis];
      at[axis] = 0;
      at[axis - 1]++;
    }
  }
}
