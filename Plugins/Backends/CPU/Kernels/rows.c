// Norms, softmax, rotary embedding, gated units over rows.
#include "table.h"
#include <math.h>

typedef struct {
  av_pool *pool;
  const av_table *table;
  const av_rows *r;
  av_vector weight, bias;
  float epsilon;
  int64_t jobs;
} norm_context;

static void layer_norm_job(void *context, int64_t job, int thread) {
  const norm_context *s = context;
  int64_t first, end;
  av_split(s->r->rows, 1, job, s->jobs, &first, &end);
  s->table->layer_norm(s->r, first, end, s->weight, s->bias, s->epsilon);
}
static void rms_norm_job(void *context, int64_t job, int thread) {
  const norm_context *s = context;
  int64_t first, end;
  av_split(s->r->rows, 1, job, s->jobs, &first, &end);
  s->table->rms_norm(s->r, first, end, s->weight, s->epsilon);
}
static void softmax_job(void *context, int64_t job, int thread) {
  const norm_context *s = context;
  int64_t first, end;
  av_split(s->r->rows, 1, job, s->jobs, &first, &end);
  s->table->softmax(s->r, first, end);
}

static void run_rows(av_pool *pool, norm_context *s, int64_t cost, av_job job) {
  if (s->r->rows <= 0 || s->r->cols <= 0) return;
  s->table = av_kernels(pool);
  s->jobs = av_jobs(pool, s->r->rows * s->r->cols * cost / 8, s->r->rows);
  av_pool_run(pool, s->jobs, job, s);
}

void av_layer_norm(av_pool *pool, const av_rows *r, av_vector weight, av_vector bias, float epsilon) {
  norm_context s = {.r = r, .weight = weight, .bias = bias, .epsilon = epsilon};
  run_rows(pool, &s, 3, layer_norm_job);
}
void av_rms_norm(av_pool *pool, const av_rows *r, av_vector weight, float epsilon) {
  norm_context s = {.r = r, .weight = weight, .epsilon = epsilon};
  run_rows(pool, &s, 2, rms_norm_job);
}
void av_softmax(av_pool *pool, const av_rows *r) {
  norm_context s = {.r = r};
  run_rows(pool, &s, 8, softmax_job);
}

typedef struct {
  const av_table *table;
  const float *x;
  float *y;
  int64_t n, channels, inner, groups;
  av_vector weight, bias;
  float epsilon;
} group_context;

static float stored(const av_table *table, av_vector v, int64_t i, float absent) {
  if (!v.data) return absent;
  float f;
  table->cast(v.type, (const char *)v.data + i * av_size(v.type), AV_F32, &f, 1);
  return f;
}

static void group_norm_job(void *context, int64_t job, int thread) {
  const group_context *s = context;
  int64_t per = s->channels / s->groups, first = job % s->groups * per, start = job * per * s->inner;
  float mean, variance;
  s->table->moments(s->x + start, per * s->inner, &mean, &variance);
  float spread = 1.0f / sqrtf(variance + s->epsilon);
  for (int64_t c = 0; c < per; c++) {
    float scale = spread * stored(s->table, s->weight, first + c, 1);
    float shift = stored(s->table, s->bias, first + c, 0) - mean * scale;
    s->table->scale_shift(s->x + start + c * s->inner, scale, shift, s->y + start + c * s->inner, s->inner);
  }
}

void av_group_norm(av_pool *pool, const float *x, float *y, int64_t n, int64_t channels, int64_t inner, int64_t groups, av_vector weight,
                   av_vector bias, float epsilon) {
  group_context s = {av_kernels(pool), x, y, n, channels, inner, groups, weight, bias, epsilon};
  if (n > 0 && channels > 0 && inner > 0) av_pool_run(pool, n * groups, group_norm_job, &s);
}

typedef struct { const av_rope_args *args; const av_table *table; int64_t jobs; } rope_context;

static void rope_job(void *context, int64_t job, int thread) {
  const rope_context *s = context;
  int64_t first, end;
  av_split(s->args->tokens, 1, job, s->jobs, &first, &end);
  s->table->rope(s->args, first, end);
}

void av_rope(av_pool *pool, const av_rope_args *args) {
  if (args->tokens <= 0) return;
  rope_context s = {args, av_kernels(pool), 1};
  s.jobs = av_jobs(pool, args->tokens * args->dims * (args->heads + 8) / 8, args->tokens);
  av_pool_run(pool, s.jobs, rope_job, &s);
}

typedef struct {
  const av_table *table;
  av_activation activation;
  int64_t rows, cols, gate_row, up_row, y_row, parts, jobs;
  const float *gate, *up;
  float *y;
} gated_context;

static void gated_job(void *context, int64_t job, int thread) {
  const gated_context *s = context;
  int64_t first, end;
  av_split(s->rows * s->parts, 1, job, s->jobs, &first, &end);
  for (int64_t i = first; i < end; i++) {
    int64_t row = i / s->parts, from, to;
    av_split(s->cols, 64, i % s->parts, s->parts, &from, &to);
    s->table->gated(s->activation, s->gate + row * s->gate_row + from, s->up + row * s->up_row + from, s->y + row * s->y_row + from, to - from);
  }
}

void av_gated(av_pool *pool, av_activation activation, int64_t rows, int64_t cols, const float *gate, int64_t gate_row, const float *up,
              int64_t up_row, float *y, int64_t y_row) {
  if (rows <= 0 || cols <= 0) return;
  gated_context s = {av_kernels(pool), activation, rows, cols, gate_row, up_row, y_row, 1, 1, gate, up, y};
  s.parts = rows < 16 ? (cols + 1023) / 1024 : 1;
  s.jobs = av_jobs(pool, rows * cols, rows * s.parts);
  av_pool_run(pool, s.jobs, gated_job, &s);
}
