// Reductions, running sums and selection.
#include "table.h"
#include <math.h>
#include <string.h>

typedef struct {
  const av_table *table;
  int kind;
  const float *x;
  float *y;
  int32_t *index;
  int64_t outer, count, inner, jobs;
} reduce_context;

static float empty(int kind) { return kind == AV_REDUCE_MAX ? -INFINITY : kind == AV_REDUCE_MEAN ? NAN : 0; }

static void reduce_job(void *context, int64_t job, int thread) {
  const reduce_context *s = context;
  int64_t first, end;
  av_split(s->outer, 1, job, s->jobs, &first, &end);
  for (int64_t o = first; o < end; o++) {
    const float *x = s->x + o * s->count * s->inner;
    float *y = s->y + o * s->inner;
    if (s->count == 0) {
      for (int64_t i = 0; i < s->inner; i++) y[i] = empty(s->kind);
    } else if (s->inner == 1) {
      *y = s->table->reduce_row(s->kind, x, s->count);
    } else {
      memcpy(y, x, (size_t)s->inner * 4);
      for (int64_t c = 1; c < s->count; c++) s->table->reduce_into(s->kind, x + c * s->inner, y, s->inner);
      if (s->kind == AV_REDUCE_MEAN) s->table->scale_shift(y, 1.0f / (float)s->count, 0, y, s->inner);
    }
  }
}

void av_reduce(av_pool *pool, av_reduction kind, const float *x, float *y, int64_t outer, int64_t count, int64_t inner) {
  if (outer <= 0 || inner <= 0) return;
  reduce_context s = {av_kernels(pool), kind, x, y, NULL, outer, count, inner, av_jobs(pool, outer * count * inner / 8, outer)};
  av_pool_run(pool, s.jobs, reduce_job, &s);
}

/// Whether a comes before b in descending order; NaN before everything, equal values by index.
static inline bool before(float a, int32_t i, float b, int32_t j) {
  bool a_nan = a != a, b_nan = b != b;
  if (a_nan || b_nan) return a_nan != b_nan ? a_nan : i < j;
  return a != b ? a > b : i < j;
}

static void argmax_job(void *context, int64_t job, int thread) {
  const reduce_context *s = context;
  int64_t first, end;
  av_split(s->outer * s->inner, 1, job, s->jobs, &first, &end);
  for (int64_t i = first; i < end; i++) {
    const float *x = s->x + i / s->inner * s->count * s->inner + i % s->inner;
    int32_t best = 0;
    for (int64_t c = 1; c < s->count; c++)
      if (before(x[c * s->inner], (int32_t)c, x[best * s->inner], best)) best = (int32_t)c;
    s->index[i] = best;
  }
}

void av_argmax(av_pool *pool, const float *x, int32_t *y, int64_t outer, int64_t count, int64_t inner) {
  reduce_context s = {.x = x, .index = y, .outer = outer, .count = count, .inner = inner, .jobs = av_jobs(pool, outer * count * inner, outer * inner)};
  if (outer > 0 && inner > 0) av_pool_run(pool, s.jobs, argmax_job, &s);
}

static void cumsum_job(void *context, int64_t job, int thread) {
  const reduce_context *s = context;
  int64_t first, end;
  av_split(s->outer, 1, job, s->jobs, &first, &end);
  for (int64_t o = first; o < end; o++) {
    const float *x = s->x + o * s->count * s->inner;
    float *y = s->y + o * s->count * s->inner;
    for (int64_t i = 0; i < s->inner; i++) y[i] = x[i];
    for (int64_t c = 1; c < s->count; c++)
      for (int64_t i = 0; i < s->inner; i++) y[c * s->inner + i] = y[(c - 1) * s->inner + i] + x[c * s->inner + i];
  }
}

void av_cumsum(av_pool *pool, const float *x, float *y, int64_t outer, int64_t count, int64_t inner) {
  reduce_context s = {.x = x, .y = y, .outer = outer, .count = count, .inner = inner, .jobs = av_jobs(pool, outer * count * inner, outer)};
  if (outer > 0 && count > 0 && inner > 0) av_pool_run(pool, s.jobs, cumsum_job, &s);
}

typedef struct { const float *x; int64_t x_row, rows, cols, k, jobs; float *values; int32_t *indices; } top_context;

/// A heap of the indices of the k best so far, whose root is the worst of them.
static void sift(const float *x, int32_t *heap, int64_t n, int64_t at) {
  for (;;) {
    int64_t worst = at;
    for (int64_t child = 2 * at + 1; child <= 2 * at + 2 && child < n; child++)
      if (before(x[heap[worst]], heap[worst], x[heap[child]], heap[child])) worst = child;
    if (worst == at) return;
    int32_t i = heap[at]; heap[at] = heap[worst]; heap[worst] = i;
    at = worst;
  }
}

static void top_job(void *context, int64_t job, int thread) {
  const top_context *s = context;
  int64_t first, end;
  av_split(s->rows, 1, job, s->jobs, &first, &end);
  for (int64_t row = first; row < end; row++) {
    const float *x = s->x + row * s->x_row;
    // An index is as large as a value: where only values are wanted, the heap is built in their place.
    int32_t *heap = s->indices ? s->indices + row * s->k : (int32_t *)(s->values + row * s->k);
    for (int64_t i = 0; i < s->k; i++) heap[i] = (int32_t)i;
    for (int64_t i = s->k / 2 - 1; i >= 0; i--) sift(x, heap, s->k, i);
    for (int64_t i = s->k; i < s->cols; i++) {
      if (!before(x[i], (int32_t)i, x[heap[0]], heap[0])) continue;
      heap[0] = (int32_t)i;
      sift(x, heap, s->k, 0);
    }
    for (int64_t n = s->k - 1; n > 0; n--) {
      int32_t i = heap[0]; heap[0] = heap[n]; heap[n] = i;
      sift(x, heap, n, 0);
    }
    for (int64_t i = 0; s->values && i < s->k; i++) {
      float value = x[heap[i]];
      memcpy(s->values + row * s->k + i, &value, sizeof value);
    }
  }
}

void av_top_k(av_pool *pool, const float *x, int64_t x_row, int64_t rows, int64_t cols, int64_t k, float *values, int32_t *indices) {
  top_context s = {x, x_row, rows, cols, k, av_jobs(pool, rows * cols * 2, rows), values, indices};
  if (rows > 0 && k > 0) av_pool_run(pool, s.jobs, top_job, &s);
}
