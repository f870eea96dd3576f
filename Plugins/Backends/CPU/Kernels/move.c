// Casts, copies, gathers and scatters.
#include "Quant/quant_table.h"
#include "odometer.h"
#include <stdatomic.h>
#include <string.h>

typedef struct { const av_table *table; av_dtype from, to; const char *x; char *y; int64_t n, jobs; } cast_context;

static void cast_job(void *context, int64_t job, int thread) {
  const cast_context *s = context;
  int64_t first, end;
  av_split(s->n, 64, job, s->jobs, &first, &end);
  s->table->cast(s->from, s->x + first * av_size(s->from), s->to, s->y + av_row_bytes(s->to, first), end - first);
}

void av_cast(av_pool *pool, av_dtype from, const void *x, av_dtype to, void *y, int64_t n) {
  cast_context s = {av_kernels(pool), from, to, x, y, n, av_jobs(pool, n / 4, n / 1024)};
  if (n > 0) av_pool_run(pool, s.jobs, cast_job, &s);
}

typedef struct { int32_t rank; int64_t shape[8], x_step[8], y_step[8], bytes, outer, jobs; const char *x; char *y; } copy_context;

/// Drops axes of size 1 and joins neighbours that both sides step through alike.
static void collapse(const av_map *map, copy_context *s) {
  s->rank = 0;
  for (int axis = 0; axis < map->rank; axis++) {
    if (map->shape[axis] == 1) continue;
    int last = s->rank - 1;
    if (last >= 0 && s->x_step[last] == map->a[axis] * map->shape[axis] && s->y_step[last] == map->b[axis] * map->shape[axis]) {
      s->shape[last] *= map->shape[axis];
    } else {
      last = s->rank++;
      s->shape[last] = map->shape[axis];
    }
    s->x_step[last] = map->a[axis];
    s->y_step[last] = map->b[axis];
  }
  if (s->rank == 0) {
    s->shape[0] = s->x_step[0] = s->y_step[0] = 1;
    s->rank = 1;
  }
}

static void copy_job(void *context, int64_t job, int thread) {
  const copy_context *s = context;
  const int inner = s->rank - 1;
  int64_t first, end, from = 0, run = s->shape[inner];
  av_split(s->outer, 1, job, s->jobs, &first, &end);
  if (s->outer == 1) {  // one long run is split along itself
    int64_t stop;
    av_split(run, 64, job, s->jobs, &from, &stop);
    run = stop - from;
    first = 0, end = 1;
  }
  for (int64_t i = first; i < end; i++) {
    int64_t rest = i, x = from * s->x_step[inner], y = from * s->y_step[inner];
    for (int axis = inner - 1; axis >= 0; axis--) {
      x += rest % s->shape[axis] * s->x_step[axis];
      y += rest % s->shape[axis] * s->y_step[axis];
      rest /= s->shape[axis];
    }
    av_copy_run(s->bytes, s->x + x * s->bytes, s->x_step[inner], s->y + y * s->bytes, s->y_step[inner], run);
  }
}

void av_copy(av_pool *pool, const av_map *map, int64_t bytes, const void *x, void *y) {
  int64_t total = 1;
  for (int axis = 0; axis < map->rank; axis++) total *= map->shape[axis];
  if (total <= 0) return;
  copy_context s = {.bytes = bytes, .x = x, .y = y};
  collapse(map, &s);
  s.outer = total / s.shape[s.rank - 1];
  s.jobs = av_jobs(pool, total / 4, s.outer > 1 ? s.outer : total / 1024);
  av_pool_run(pool, s.jobs, copy_job, &s);
}

typedef struct { const char *value; char *y; int64_t bytes, n, jobs; } fill_context;

static void fill_job(void *context, int64_t job, int thread) {
  const fill_context *s = context;
  int64_t first, end;
  av_split(s->n, 64, job, s->jobs, &first, &end);
  av_copy_run(s->bytes, s->value, 0, s->y + first * s->bytes, 1, end - first);
}

void av_fill(av_pool *pool, int64_t bytes, const void *value, void *y, int64_t n) {
  fill_context s = {value, y, bytes, n, av_jobs(pool, n / 8, n / 1024)};
  if (n > 0) av_pool_run(pool, s.jobs, fill_job, &s);
}

typedef struct {
  const av_table *table;
  const av_quant_table *quant;
  av_dtype from, to;
  const char *x;
  char *y;
  const int32_t *ids;
  int64_t x_row, y_row, table_rows, count, cols, jobs;
  _Atomic bool outside;
} rows_context;

static void gather_job(void *context, int64_t job, int thread) {
  rows_context *s = context;
  int64_t first, end;
  av_split(s->count, 1, job, s->jobs, &first, &end);
  for (int64_t i = first; i < end; i++) {
    char *y = s->y + i * s->y_row * av_size(s->to);
    if (s->ids[i] < 0 || s->ids[i] >= s->table_rows) {
      memset(y, 0, (size_t)(s->cols * av_size(s->to)));
      s->outside = true;
    } else {
      const char *x = s->x + av_row_bytes(s->from, s->ids[i] * s->x_row);
      if (av_is_quantised(s->from)) s->quant->dequantize(s->from, (const uint8_t *)x, s->cols, (float *)y);
      else s->table->cast(s->from, x, s->to, y, s->cols);
    }
  }
}

bool av_gather_rows(av_pool *pool, av_dtype type, const void *table, int64_t table_rows, int64_t table_row, const int32_t *ids, int64_t count,
                    int64_t cols, void *y, int64_t y_row) {
  rows_context s = {
    .table = av_kernels(pool), .quant = av_quant(pool), .from = type,
    .to = type == AV_F16 || type == AV_BF16 || av_is_quantised(type) ? AV_F32 : type, .x = table, .y = y, .ids = ids,
    .x_row = table_row, .y_row = y_row, .table_rows = table_rows, .count = count, .cols = cols,
    .jobs = av_jobs(pool, count * cols / 4, count),
  };
  if (count > 0) av_pool_run(pool, s.jobs, gather_job, &s);
  return !s.outside;
}

/// Rows stay in order: each job takes a part of the columns of every row.
static void scatter_job(void *context, int64_t job, int thread) {
  rows_context *s = context;
  int64_t first, end;
  av_split(s->cols, 64, job, s->jobs, &first, &end);
  for (int64_t i = 0; i < s->count; i++) {
    if (s->ids[i] < 0 || s->ids[i] >= s->table_rows) { s->outside = true; continue; }
    s->table->cast(s->from, s->x + (i * s->x_row + first) * av_size(s->from), s->to,
                   s->y + av_row_bytes(s->to, s->ids[i] * s->y_row + first), end - first);
  }
}

bool av_scatter_rows(av_pool *pool, av_dtype x_type, const void *x, int64_t x_row, const int32_t *ids, int64_t count, int64_t cols,
                     av_dtype type, void *table, int64_t table_rows, int64_t table_row) {
  rows_context s = {
    .table = av_kernels(pool), .from = x_type, .to = type, .x = x, .y = table, .ids = ids, .x_row = x_row, .y_row = table_row,
    .table_rows = table_rows, .count = count, .cols = cols, .jobs = av_jobs(pool, count * cols / 4, (cols + 63) / 64),
  };
  if (count > 0 && cols > 0) av_pool_run(pool, s.jobs, scatter_job, &s);
  return !s.outside;
}

typedef struct {
  const float *x;
  float *y;
  const int32_t *ids;
  int64_t x_row, y_row, table_rows, count, cols, jobs;
  _Atomic bool outside;
} add_context;

/// Rows stay in order, as in `scatter_job`: sums do not depend on the number of threads.
static void scatter_add_job(void *context, int64_t job, int thread) {
  add_context *s = context;
  int64_t first, end;
  av_split(s->cols, 16, job, s->jobs, &first, &end);
  for (int64_t i = 0; i < s->count; i++) {
    if (s->ids[i] < 0 || s->ids[i] >= s->table_rows) { s->outside = true; continue; }
    const float *x = s->x + i * s->x_row;
    float *y = s->y + s->ids[i] * s->y_row;
    for (int64_t j = first; j < end; j++) y[j] += x[j];
  }
}

bool av_scatter_add_rows(av_pool *pool, const float *x, int64_t x_row, const int32_t *ids, int64_t count, int64_t cols, float *table,
                         int64_t table_rows, int64_t table_row) {
  add_context s = {
    .x = x, .y = table, .ids = ids, .x_row = x_row, .y_row = table_row, .table_rows = table_rows, .count = count, .cols = cols,
    .jobs = av_jobs(pool, count * cols / 4, (cols + 15) / 16),
  };
  if (count > 0 && cols > 0) av_pool_run(pool, s.jobs, scatter_add_job, &s);
  return !s.outside;
}
