// Linear layers with quantised weights: which way a product goes, and how threads share it.
#include "quant_table.h"
#include <string.h>

enum { thin_rows_most = 12, thin_block = 256, depth_bytes = 1024, exact_rows = 512, panels_most = 8, chunk_bytes = 128 << 10 };

static int64_t min(int64_t a, int64_t b) { return a < b ? a : b; }

const av_quant_table *av_quant_named(const char *name) {
  if (!strcmp(name, av_quant_scalar.name)) return &av_quant_scalar;
#if defined(__x86_64__)
  __builtin_cpu_init();
  bool avx2 = av_isa_best() >= AV_ISA_AVX2;
  if (avx2 && !strcmp(name, "avx2")) return &av_quant_avx2;
  if (avx2 && __builtin_cpu_supports("avxvnni") && !strcmp(name, "avxvnni")) return &av_quant_avxvnni;
  if (av_isa_best() >= AV_ISA_AVX512 && __builtin_cpu_supports("avx512vnni") && !strcmp(name, "avx512vnni")) return &av_quant_avx512vnni;
#endif
  return NULL;
}

/// What was asked for stays what it is: AVX-VNNI joins in only where AVX2 is the best that the processor has.
const av_quant_table *av_quant_for(av_isa isa) {
  const char *const wider[] = {"avx512vnni", "avxvnni", "avx2"};
  if (isa == AV_ISA_SCALAR) return &av_quant_scalar;
  for (int i = isa >= AV_ISA_AVX512 ? 0 : av_isa_best() == AV_ISA_AVX2 ? 1 : 2; i < 3; i++) {
    const av_quant_table *found = av_quant_named(wider[i]);
    if (found) return found;
  }
  return &av_quant_scalar;
}

const char *av_quant_kernels(const av_pool *pool) { return av_quant(pool)->name; }

void av_dequantize(av_dtype type, const void *blocks, int64_t n, float *y) { av_quant_scalar.dequantize(type, blocks, n, y); }

typedef struct {
  const av_linear_args *args;
  const av_table *table;
  const av_quant_table *quant;
  av_pool *pool;
  int64_t row;                // bytes of a weight row
  int64_t m0, m;              // these rows of the activations
  av_share share;             // few rows: of the columns
  av_activations x;           // few rows
  bool wide, accumulate;      // many rows: 16 bits; y already holds a part
  int64_t tiles, depth, sub;  // tiles of rows, elements of k that a panel holds at most, elements that share a scale
  int64_t panels;             // of a job
} quant_context;

// Few rows, or exact: blocks are read as they lie.

static void thin_job(void *context, int64_t job, int thread) {
  const quant_context *s = context;
  const av_linear_args *p = s->args;
  int64_t first, end;
  av_share_part(&s->share, job, &first, &end);
  float *out = av_scratch(s->pool, thread);
  for (int64_t n0 = first; n0 < end; n0 += thin_block) {
    int64_t n = min(thin_block, end - n0);
    const char *w = (const char *)p->w + n0 * s->row;
    if (p->exact) s->quant->exact_dots(p->wtype, p->x + s->m0 * p->ldx, p->ldx, s->m, p->k, w, s->row, n, out, thin_block);
    else s->quant->dots(p->wtype, &s->x, s->m, p->k, w, s->row, n, out, thin_block);
    s->table->epilogue(p, out, thin_block, s->m0, s->m, n0, n);
  }
}

static void run_thin(quant_context *s) {
  const av_linear_args *p = s->args;
  // A nanosecond reads about 14 bytes, or multiplies 16 numbers.
  s->share = av_share_reading(s->pool, p->n, 16, p->n * s->row / 14 + p->n * p->k * (p->exact ? s->m : s->m - 1) / 16);
  av_pool_run(s->pool, s->share.jobs, thin_job, s);
}

/// Rounds few rows into the shared scratch, on this thread.
static void quantize_few(quant_context *s) {
  const av_linear_args *p = s->args;
  const int64_t blocks = p->k / 32, subs = p->k / s->sub;
  int8_t *q = av_shared(s->pool);
  float *scale = (float *)(q + s->m * p->k), *sum = scale + s->m * blocks;
  int16_t *whole = (int16_t *)(sum + s->m * subs);
  for (int64_t i = 0; i < s->m; i++) {
    s->quant->quantize(p->wtype, false, p->x + i * p->ldx, p->k, q + i * p->k, scale + i * blocks, sum + i * subs);
    s->quant->arrange(p->wtype, p->k, q + i * p->k, whole + i * 2 * blocks);
  }
  s->x = (av_activations){q, scale, sum, whole, p->k, blocks, subs, 2 * blocks};
}

// Many rows: panels. Activations lie [parts of k][tiles][words][rows of the tile], as they are read.

static int64_t tile_bytes(const quant_context *s, int64_t k) { return s->quant->rows * ((s->wide ? 2 : 1) * k + (k / 32 + k / s->sub) * 4); }

/// Rows `tile` of the part of k that begins at `k0`.
static av_quant_rows rows_at(const quant_context *s, int64_t tile, int64_t k0) {
  int64_t k = min(s->depth, s->args->k - k0);
  char *at = (char *)av_shared(s->pool) + s->tiles * tile_bytes(s, k0) + tile * tile_bytes(s, k);
  const float *scale = (const float *)(at + s->quant->rows * (s->wide ? 2 : 1) * k);
  return (av_quant_rows){(const int32_t *)at, scale, scale + s->quant->rows * (k / 32)};
}

static void interleave(const int32_t *from, int64_t n, int64_t stride, int32_t *to) {
  for (int64_t i = 0; i < n; i++) to[i * stride] = from ? from[i] : 0;
}

static void quantize_job(void *context, int64_t job, int thread) {
  const quant_context *s = context;
  const av_linear_args *p = s->args;
  const int64_t rows = s->quant->rows;
  int32_t *q = av_scratch(s->pool, thread);
  float *scale = (float *)(q + s->depth / (s->wide ? 2 : 4));
  int32_t *shift = (int32_t *)scale + s->depth / 32;
  for (int64_t k0 = 0; k0 < p->k; k0 += s->depth) {
    int64_t k = min(s->depth, p->k - k0);
    av_quant_rows to = rows_at(s, job, k0);
    for (int64_t r = 0; r < rows; r++) {
      bool real = job * rows + r < s->m;
      if (real) s->quant->quantize(p->wtype, true, p->x + (s->m0 + job * rows + r) * p->ldx + k0, k, q, scale, shift);
      interleave(real ? q : NULL, k / (s->wide ? 2 : 4), rows, (int32_t *)to.words + r);
      interleave(real ? (int32_t *)scale : NULL, k / 32, rows, (int32_t *)to.scale + r);
      interleave(real ? shift : NULL, k / s->sub, rows, (int32_t *)to.shift + r);
    }
  }
}

/// A few panels of columns, all of k. The panels of a part of k stay in the second level cache while a chunk of rows that fits beside them is
/// multiplied with one after another; one panel stays in the first level while the chunk's tiles go by.
static void panel_job(void *context, int64_t job, int thread) {
  const quant_context *s = context;
  const av_linear_args *p = s->args;
  const int64_t cols = s->quant->cols, rows = s->quant->rows, first = job * s->panels * cols, end = min(p->n, first + s->panels * cols);
  const int64_t shifts = cols * s->depth / s->sub, bytes = cols * depth_bytes + 8 * shifts;
  int64_t chunk = chunk_bytes / tile_bytes(s, s->depth);
  if (chunk < 1) chunk = 1;
  char *memory = av_scratch(s->pool, thread), *scratch = memory + s->panels * bytes;
#define PANEL(i) (av_quant_panel){(int32_t *)(memory + (i) * bytes), (float *)(memory + (i) * bytes + cols * depth_bytes), \
                                  (float *)(memory + (i) * bytes + cols * depth_bytes) + shifts}
  for (int64_t k0 = 0; k0 < p->k; k0 += s->depth) {
    int64_t k = min(s->depth, p->k - k0);
    for (int64_t n0 = first; n0 < end; n0 += cols)
      s->quant->pack(p->wtype, (const char *)p->w + n0 * s->row, s->row, min(cols, end - n0), k0, k, PANEL((n0 - first) / cols), scratch);
    for (int64_t t0 = 0; t0 < s->tiles; t0 += chunk)
      for (int64_t n0 = first; n0 < end; n0 += cols)
        for (int64_t tile = t0; tile < min(s->tiles, t0 + chunk); tile++)
          s->quant->multiply(p->wtype, rows_at(s, tile, k0), PANEL((n0 - first) / cols), k, min(rows, s->m - tile * rows), min(cols, end - n0),
                             p->y + (s->m0 + tile * rows) * p->ldy + n0, p->ldy, s->accumulate || k0 > 0);
  }
#undef PANEL
  bool plain = !p->bias.data && !p->residual && p->activation == AV_ACT_NONE;
  if (!plain && end > first) s->table->epilogue(p, p->y + s->m0 * p->ldy + first, p->ldy, s->m0, s->m, first, end - first);
}

void av_linear_quantised(av_pool *pool, const av_linear_args *args) {
  av_linear_args p = *args;
  quant_context s = {.args = &p, .table = av_kernels(pool), .quant = av_quant(pool), .pool = pool, .row = av_row_bytes(p.wtype, p.ldw)};
  s.sub = av_quant_sub(p.wtype);
  if (p.exact) {
    for (s.m0 = 0; s.m0 < p.m; s.m0 += exact_rows) {
      s.m = min(exact_rows, p.m - s.m0);
      run_thin(&s);
    }
    return;
  }
  const int64_t rows = s.quant->rows;
  if (p.m <= thin_rows_most && p.m * p.k * 2 <= av_shared_bytes) {
    s.m = p.m;
    quantize_few(&s);
    run_thin(&s);
    return;
  }
  s.wide = s.quant->wide(p.wtype);
  s.depth = s.wide ? depth_bytes / 2 : depth_bytes;
  s.accumulate = p.residual == p.y && p.activation == AV_ACT_NONE;
  if (s.accumulate) p.residual = NULL;
  int64_t most = av_shared_bytes / tile_bytes(&s, p.k > 0 ? p.k : 32) * rows;
  for (s.m0 = 0; s.m0 < p.m; s.m0 += most) {
    s.m = min(most, p.m - s.m0);
    s.tiles = (s.m + rows - 1) / rows;
    // Enough jobs that threads end together, each with as many panels as the cache holds.
    int64_t work = s.m * p.k / 8, panels = (p.n + s.quant->cols - 1) / s.quant->cols;
    s.panels = min(panels_most, 1 + panels / (6 * av_pool_threads(pool)));
    panels = (panels + s.panels - 1) / s.panels;
    if (av_jobs(pool, work, s.tiles) > 1) av_pool_run(pool, s.tiles, quantize_job, &s);
    else for (int64_t i = 0; i < s.tiles; i++) quantize_job(&s, i, 0);
    if (av_jobs(pool, s.m * p.n * p.k / 64, panels) > 1) av_pool_run(pool, panels, panel_job, &s);
    else for (int64_t i = 0; i < panels; i++) panel_job(&s, i, 0);
  }
}
