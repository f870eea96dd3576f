// Splitting a product into cache-sized blocks. The left factor is packed once into the shared scratch (second or third level cache); each job
// packs a block of columns, which expands 16-bit weights to f32 on the way, and multiplies it with all rows while it is in the second level.
// The blocks along k are the same for every number of threads, and so is every sum.
#include "product.h"

enum { alone_words = av_scratch_bytes / 2 / 4 };

typedef struct {
  const av_product *p;
  av_pool *pool;
  int64_t m0, m, k0, k;          // this block of the left factor
  int64_t panels, splits, columns;  // row panels, parts of the rows, blocks of columns
  bool last, lying;              // of the blocks along k the last one; rows read where they lie
} block;

static int64_t min(int64_t a, int64_t b) { return a < b ? a : b; }
static int64_t words(const av_product *p, int64_t k) {
  const int64_t multiple = p->gemm->multiple;
  return ((k + p->gemm->pair - 1) / p->gemm->pair + multiple - 1) / multiple * multiple;
}

/// Whether rows are read where they lie: where few columns would not pay for packing them, and a strip of them is not so far apart that its lines drive each other out of
/// the caches.
static bool reads_rows(const av_product *p) {
  enum { most_columns = 1024, most_apart = 2048, page_words = 1024 };
  const av_matrix *a = &p->a;
  return p->gemm->multiply_rows && a->type == AV_F32 && a->col == 1 && a->row > 0 && p->n <= most_columns && a->row <= most_apart && a->row % page_words != 0;
}

/// A strip's rows from one element of k on: packed, or `row` apart.
typedef struct {
  const float *at;
  int64_t row;  // 0: packed
} row_view;

static row_view lying_rows(const av_product *p, int64_t m, int64_t k) { return (row_view){(const float *)p->a.data + m * p->a.row + k, p->a.row}; }

static void pack_job(void *context, int64_t job, int thread) {
  const block *s = context;
  const av_product *p = s->p;
  const int64_t rows = p->gemm->rows, step = p->gemm->depth * p->gemm->pair;
  int64_t first = s->panels * job / s->splits, end = s->panels * (job + 1) / s->splits;
  av_matrix a = p->a;
  a.data = (const char *)a.data + (s->m0 + first * rows) * a.row * av_size(a.type);
  int64_t m = min(end * rows, s->m) - first * rows;
  for (int64_t k = 0; k < s->k; k += step) {
    int64_t depth = min(step, s->k - k);
    float *out = (float *)av_shared(s->pool) + k / p->gemm->pair * s->panels * rows + first * rows * words(p, depth);
    p->gemm->pack_rows(&a, m, s->k0 + k, depth, out);
  }
}

/// Rows m0..<m0 + m of a block of columns, a strip of rows at a time. In a strip a panel of columns meets all of its panels of rows while it is in the first
/// level cache, which the strip itself comes to from the second; where a strip is one panel, that stays there, and those of columns come.
static void multiply_panels(const av_product *p, int64_t m0, int64_t m, int64_t n0, int64_t n, int64_t depth, row_view a, const float *b,
                            bool accumulate, bool last) {
  const int64_t strip = p->gemm->strip;
  for (int64_t i = 0; i < m; i += strip, a.at += strip * (a.row ? a.row : depth)) {
    int64_t count = min(strip, m - i), cols = strip > p->gemm->rows ? p->gemm->cols : n;
    float *y = p->y + (m0 + i) * p->ldy + n0;
    for (int64_t j = 0; j < n; j += cols) {
      if (a.row) p->gemm->multiply_rows(count, min(cols, n - j), depth, a.at, a.row, b + j * depth, y + j, p->ldy, accumulate);
      else p->gemm->multiply(count, min(cols, n - j), depth, a.at, b + j * depth, y + j, p->ldy, accumulate);
    }
    if (last && p->linear) p->table->epilogue(p->linear, y, p->ldy, m0 + i, count, n0, n);
  }
}

static void multiply_job(void *context, int64_t job, int thread) {
  const block *s = context;
  const av_product *p = s->p;
  const int64_t rows = p->gemm->rows, step = p->gemm->depth * p->gemm->pair;
  const int64_t block_cols = p->gemm->block;
  int64_t n0 = job / s->splits * block_cols, n = min(block_cols, p->n - n0), part = job % s->splits;
  int64_t first = s->panels * part / s->splits, end = s->panels * (part + 1) / s->splits;
  int64_t m = min(end * rows, s->m) - first * rows;
  float *b = av_scratch(s->pool, thread);
  for (int64_t k = 0; k < s->k || k == 0; k += step) {
    int64_t depth = min(step, s->k - k);
    p->gemm->pack_cols(&p->b, n0, n, s->k0 + k, depth, b);
    row_view a = s->lying ? lying_rows(p, s->m0 + first * rows, s->k0 + k)
                          : (row_view){(const float *)av_shared(s->pool) + k / p->gemm->pair * s->panels * rows + first * rows * words(p, depth), 0};
    multiply_panels(p, s->m0 + first * rows, m, n0, n, words(p, depth), a, b, p->accumulate || s->k0 + k > 0, s->last && k + step >= s->k);
  }
}

void av_product_run(av_pool *pool, const av_product *p) {
  if (p->m <= 0 || p->n <= 0) return;
  const int64_t rows = p->gemm->rows, k_words = p->gemm->depth, step = k_words * p->gemm->pair, capacity = av_shared_bytes / 4;
  int64_t deepest = capacity / (4 * rows) / k_words * step;  // at least four panels of rows at once
  block s = {.p = p, .pool = pool, .columns = (p->n + p->gemm->block - 1) / p->gemm->block, .lying = reads_rows(p)};
  for (s.k0 = 0; s.k0 < p->k || s.k0 == 0; s.k0 += deepest) {
    s.k = min(deepest, p->k - s.k0);
    s.last = s.k0 + s.k >= p->k;
    int64_t padded = (words(p, s.k) + k_words - 1) / k_words * k_words + (s.k == 0);
    int64_t blocks = (p->m * padded + capacity - 1) / capacity, high = (p->m + blocks - 1) / blocks;
    high = min((high + rows - 1) / rows * rows, capacity / padded / rows * rows);
    for (s.m0 = 0; s.m0 < p->m; s.m0 += high) {
      s.m = min(high, p->m - s.m0);
      s.panels = (s.m + rows - 1) / rows;
      if (!s.lying) {
        s.splits = min(s.panels, av_jobs(pool, s.m * s.k / 2, s.panels));
        av_pool_run(pool, s.splits, pack_job, &s);
      }
      // Each column block is packed again for every part of the rows: no more parts than an even end needs.
      int64_t jobs = av_jobs(pool, s.m * s.k * p->n / 32, 4 * (int64_t)av_pool_threads(pool));
      s.splits = min(s.panels, (jobs + s.columns - 1) / s.columns);
      if (jobs > 1) av_pool_run(pool, s.columns * s.splits, multiply_job, &s);
      else for (int64_t i = 0; i < s.columns * s.splits; i++) multiply_job(&s, i, 0);
    }
  }
}

void av_product_run_alone(av_pool *pool, int thread, const av_product *p) {
  const int64_t rows = p->gemm->rows, k_words = p->gemm->depth, step = k_words * p->gemm->pair, high = alone_words / k_words / rows * rows;
  const bool lying = reads_rows(p);
  float *packed = av_scratch(pool, thread), *b = packed + alone_words;
  for (int64_t k = 0; k < p->k || k == 0; k += step) {
    int64_t depth = min(step, p->k - k);
    for (int64_t m0 = 0; m0 < p->m; m0 += high) {
      int64_t m = min(high, p->m - m0);
      row_view a = lying ? lying_rows(p, m0, k) : (row_view){packed, 0};
      if (!lying) {
        av_matrix rows_of = p->a;
        rows_of.data = (const char *)rows_of.data + m0 * rows_of.row * av_size(rows_of.type);
        p->gemm->pack_rows(&rows_of, m, k, depth, packed);
      }
      for (int64_t n0 = 0; n0 < p->n; n0 += p->gemm->block) {
        int64_t n = min(p->gemm->block, p->n - n0);
        p->gemm->pack_cols(&p->b, n0, n, k, depth, b);
        multiply_panels(p, m0, m, n0, n, words(p, depth), a, b, p->accumulate || k > 0, k + step >= p->k);
      }
    }
  }
}
