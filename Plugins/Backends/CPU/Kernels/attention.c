// Splitting attention over threads: by blocks of rows, or, for few rows, by parts of the keys whose results are joined.
#include "table.h"

enum { few_most = 12, part_keys = 256, scratch_floats = av_scratch_bytes / 4, widest_tiles = 4096 };

typedef struct {
  const av_attention_args *args;
  const av_table *table;
  av_pool *pool;
  int64_t group, rows;          // queries of one kv head
  int64_t parts, part, splits;  // few: parts of the keys, keys of a part, groups of kv heads
  int64_t blocks, block, keys;  // many: blocks of rows, rows of a block, keys of a tile
} plan;

static int64_t min(int64_t a, int64_t b) { return a < b ? a : b; }

static void few_job(void *context, int64_t job, int thread) {
  const plan *s = context;
  const av_attention_args *p = s->args;
  int64_t split = job % s->splits, part = job / s->splits % s->parts, b = job / s->splits / s->parts, g0, g1;
  av_split(p->kv_heads, 1, split, s->splits, &g0, &g1);
  int64_t j0 = part * s->part, j1 = min(p->tk, j0 + s->part), size = s->rows * (p->v_head + 2);
  float *partial = (float *)av_shared(s->pool) + ((b * p->kv_heads + g0) * s->parts + part) * size;
  s->table->attend_few(p, b, g0, g1, j0, j1, partial, s->parts * size, av_scratch(s->pool, thread));
}

static void join(const plan *s, int64_t head) {
  const av_attention_args *p = s->args;
  int64_t g = head % p->kv_heads, b = head / p->kv_heads, stride = p->v_head + 2;
  for (int64_t r = 0; r < s->rows; r++) {
    const float *partial = (const float *)av_shared(s->pool) + (head * s->parts * s->rows + r) * stride;
    float *y = p->out + b * p->out_batch + r / s->group * p->out_token + (g * s->group + r % s->group) * p->out_head;
    s->table->attend_join(s->parts, p->v_head, partial, s->rows * stride, y);
  }
}

/// By parts of the keys. They depend on the shape alone, so the sums do not change with the number of threads. False where memory is short.
static bool attend_few(plan *s) {
  const av_attention_args *p = s->args;
  int64_t heads = p->batch * p->kv_heads, room = av_shared_bytes / 4 / (heads * s->rows * (p->v_head + 2));
  for (s->part = part_keys; (p->tk + s->part - 1) / s->part > room && 2 * s->rows * s->part <= scratch_floats;) s->part *= 2;
  s->parts = p->tk > 0 ? (p->tk + s->part - 1) / s->part : 1;
  if (s->parts > room) return false;
  int64_t work = heads * s->rows * p->tk * (p->head + p->v_head) / 16, pieces = p->batch * s->parts;
  int64_t jobs = av_jobs(s->pool, work, INT32_MAX), least = (p->kv_heads * s->rows * s->part + scratch_floats - 1) / scratch_floats;
  s->splits = (jobs + pieces - 1) / pieces;
  s->splits = min(s->splits > least ? s->splits : least, p->kv_heads);
  if (jobs > 1) av_pool_run(s->pool, pieces * s->splits, few_job, s);
  else for (int64_t i = 0; i < pieces * s->splits; i++) few_job(s, i, 0);
  for (int64_t i = 0; i < heads; i++) join(s, i);
  return true;
}

static void many_job(void *context, int64_t job, int thread) {
  const plan *s = context;
  const av_attention_args *p = s->args;
  int64_t block = job % s->blocks, g = job / s->blocks % p->kv_heads, b = job / s->blocks / p->kv_heads;
  int64_t row0 = block * s->block;
  s->table->attend_many(p, b, g, row0, min(s->block, s->rows - row0), s->keys, av_scratch(s->pool, thread));
}

static void attend_many(plan *s) {
  const av_attention_args *p = s->args;
  const int64_t tile_rows = s->table->gemm.rows, tile_cols = s->table->gemm.cols, width = p->head + p->v_head;
  const int64_t plain = p->kv_type == AV_Q8_0 ? width : 0;
  s->keys = 112 / tile_rows * tile_rows;
  while (s->keys > tile_rows && (s->keys + tile_rows) * (width + plain + tile_cols) > scratch_floats / 2) s->keys -= tile_rows;
  int64_t panels = min(16, scratch_floats * 3 / 8 / (tile_cols * width));
  s->block = (panels > 1 ? panels : 1) * tile_cols;
  s->blocks = (s->rows + s->block - 1) / s->block;
  s->block = ((s->rows + s->blocks - 1) / s->blocks + tile_cols - 1) / tile_cols * tile_cols;
  s->blocks = (s->rows + s->block - 1) / s->block;
  av_pool_run(s->pool, p->batch * p->kv_heads * s->blocks, many_job, s);
}

/// Heads too wide for the tiles: one query at a time.
static void attend_singly(av_pool *pool, const av_attention_args *p) {
  for (int64_t i = 0; i < p->batch * p->tq * p->heads; i++) {
    int64_t h = i % p->heads, t = i / p->heads % p->tq, b = i / p->heads / p->tq, g = h / (p->heads / p->kv_heads);
    av_attention_args one = *p;
    one.batch = one.tq = one.heads = one.kv_heads = 1;
    one.q += b * p->q_batch + t * p->q_token + h * p->q_head;
    one.out += b * p->out_batch + t * p->out_token + h * p->out_head;
    one.k = (const char *)p->k + av_row_bytes(p->kv_type, b * p->k_batch + g * p->k_head);
    one.v = (const char *)p->v + av_row_bytes(p->kv_type, b * p->v_batch + g * p->v_head_stride);
    if (p->positions) one.positions += b * p->positions_batch + t;
    if (p->bias) one.bias += b * p->bias_batch + h * p->bias_head + t * p->bias_row;
    plan s = {.args = &one, .table = av_kernels(pool), .pool = pool, .group = 1, .rows = 1};
    attend_few(&s);
  }
}

void av_attention(av_pool *pool, const av_attention_args *p) {
  plan s = {.args = p, .table = av_kernels(pool), .pool = pool, .group = p->kv_heads > 0 ? p->heads / p->kv_heads : 0};
  s.rows = p->tq * s.group;
  if (s.rows <= 0 || p->batch <= 0 || p->v_head <= 0) return;
  if (s.rows <= few_most && attend_few(&s)) return;
  if (p->head + p->v_head <= widest_tiles) attend_many(&s);
  else attend_singly(pool, p);
}
