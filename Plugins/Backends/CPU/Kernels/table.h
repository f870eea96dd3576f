// What a kernel file of one instruction set exports: the inner loops, as function pointers. Drivers split the work, these do it.
#pragma once
#include "include/AviaryKernels.h"

/// Threads may use this much scratch each, by `av_scratch`, and all together `av_shared_bytes` by `av_shared`.
enum { av_scratch_bytes = 1 << 20, av_shared_bytes = 16 << 20 };
void *av_scratch(av_pool *pool, int thread);
void *av_shared(av_pool *pool);
typedef struct av_table av_table;
const av_table *av_kernels(const av_pool *pool);

/// Jobs worth having for `work` units of about a nanosecond each: 1 where waking another thread would not pay, at most `limit`.
int64_t av_jobs(const av_pool *pool, int64_t work, int64_t limit);
/// The part of `0..<n` that job `job` of `jobs` has, in whole multiples of `unit`.
static inline void av_split(int64_t n, int64_t unit, int64_t job, int64_t jobs, int64_t *first, int64_t *end) {
  int64_t units = (n + unit - 1) / unit;
  *first = units * job / jobs * unit;
  *end = units * (job + 1) / jobs * unit;
  if (*first > n) *first = n;
  if (*end > n) *end = n;
}

/// How threads share what is read once, from beginning to end. A job that begins has asked for nothing ahead, which favours few; equal ones
/// leave threads waiting for whoever has the last. So a thread's share is a half of it, a quarter and two eighths.
typedef struct { int64_t n, unit, jobs, threads; } av_share;
/// `work` as in `av_jobs`; where that is long, parts are equal so that cancelling need not wait.
static inline av_share av_share_reading(const av_pool *pool, int64_t n, int64_t unit, int64_t work) {
  int64_t threads = av_pool_threads(pool), jobs = av_jobs(pool, work, (n + unit - 1) / unit);
  bool tapers = threads > 1 && jobs > threads && jobs <= 8 * threads;
  return (av_share){n, unit, tapers ? 4 * threads : jobs, tapers ? threads : 0};
}
/// The part of `0..<n` that job `job` has.
static inline void av_share_part(const av_share *s, int64_t job, int64_t *first, int64_t *end) {
  if (s->threads == 0) { av_split(s->n, s->unit, job, s->jobs, first, end); return; }
  static const int eighths[] = {0, 4, 6, 7, 8};
  int64_t round = job / s->threads, units = (s->n + s->unit - 1) / s->unit, from = units * eighths[round] / 8, to = units * eighths[round + 1] / 8;
  av_split((to - from) * s->unit, s->unit, job % s->threads, s->threads, first, end);
  *first += from * s->unit;
  *end += from * s->unit;
  if (*first > s->n) *first = s->n;
  if (*end > s->n) *end = s->n;
}

float av_f32_from_f16(uint16_t h);
uint16_t av_f16_from_f32(float f);

/// Where a blocked product finds the columns of its right factor: a matrix of any strides and float type, or the patches of a picture.
typedef struct {
  const void *data;
  av_dtype type;
  int64_t n_stride, k_stride;
  const av_conv2d_args *conv;  // not NULL: element (k, n) is tap k of output pixel n of the group whose picture is `data`
} av_columns;
typedef struct {
  const void *data;
  av_dtype type;
  int64_t row, col;
} av_matrix;

/// The tile that a thread computes in one call, and how the factors are packed for it.
typedef struct {
  int64_t rows, cols;  // the register tile
  int64_t depth;       // words of k that are packed at once
  int64_t block;       // columns that a job packs at once: whole panels
  int64_t strip;       // rows that a panel of columns meets while it is in the first level cache: whole panels
  /// Packs rows `0..<m` and `k` elements into panels of `rows`: out[panel][k][rows], zero-filled.
  void (*pack_rows)(const av_matrix *a, int64_t m, int64_t k0, int64_t k, float *out);
  /// Packs columns `n0..<n0 + n` into panels of `cols`: out[panel][k][cols], zero-filled.
  void (*pack_cols)(const av_columns *b, int64_t n0, int64_t n, int64_t k0, int64_t k, float *out);
  /// c[m, n] (rows `ldc` apart) = or += a panels x b panels. m and n need not be whole tiles.
  void (*multiply)(int64_t m, int64_t n, int64_t k, const float *a, const float *b, float *c, int64_t ldc, bool accumulate);
  /// As `multiply`, with rows of f32 as they lie, `row` apart; or NULL.
  void (*multiply_rows)(int64_t m, int64_t n, int64_t k, const float *a, int64_t row, const float *b, float *c, int64_t ldc, bool accumulate);
  /// Elements of k that share one packed 32-bit word: 1, or 2 for bf16 pairs.
  int64_t pair;
  /// Panels hold a multiple of this many words, the last ones zero. `depth` is one, too.
  int64_t multiple;
} av_gemm_table;

struct av_table {
  av_gemm_table gemm;
  /// y[m, n0..<n1] of a linear layer with few rows (m <= thin_most), complete with its epilogue.
  int64_t thin_most;
  void (*thin)(const av_linear_args *args, int64_t n0, int64_t n1);
  /// y = act(raw + bias) + residual on a tile; `raw` may be its place in y.
  void (*epilogue)(const av_linear_args *args, const float *raw, int64_t raw_row, int64_t m0, int64_t m, int64_t n0, int64_t n);

  void (*unary)(int kind, const float *a, float *y, int64_t n);
  void (*binary)(int kind, const float *a, const float *b, void *y, int64_t n);
  void (*clamp)(const float *a, float low, float high, float *y, int64_t n);
  void (*cast)(av_dtype from, const void *x, av_dtype to, void *y, int64_t n);

  void (*layer_norm)(const av_rows *r, int64_t r0, int64_t r1, av_vector weight, av_vector bias, float epsilon);
  void (*rms_norm)(const av_rows *r, int64_t r0, int64_t r1, av_vector weight, float epsilon);
  void (*softmax)(const av_rows *r, int64_t r0, int64_t r1);
  void (*moments)(const float *x, int64_t n, float *mean, float *variance);
  void (*scale_shift)(const float *x, float scale, float shift, float *y, int64_t n);
  void (*rope)(const av_rope_args *args, int64_t t0, int64_t t1);
  void (*gated)(av_activation activation, const float *gate, const float *up, float *y, int64_t n);
  float (*reduce_row)(int kind, const float *x, int64_t n);
  void (*reduce_into)(int kind, const float *x, float *y, int64_t n);

  /// Row r of a kv head's group is query r / group of head g * group + r % group.
  /// All rows of kv heads g0..<g1 against keys j0..<j1. Per row the unnormalised output, then the maximum and the sum, v_head + 2 floats;
  /// kv heads are `partial_head` floats apart. The scratch holds a float for each row and key.
  void (*attend_few)(const av_attention_args *args, int64_t b, int64_t g0, int64_t g1, int64_t j0, int64_t j1, float *partial,
                     int64_t partial_head, float *scratch);
  /// Joins the `parts` partial results of one row, `stride` floats apart, into y.
  void (*attend_join)(int64_t parts, int64_t v_head, const float *partial, int64_t stride, float *y);
  /// Rows row0..<row0 + rows over all keys, `keys` at a time, by products of tiles.
  void (*attend_many)(const av_attention_args *args, int64_t b, int64_t g, int64_t row0, int64_t rows, int64_t keys, float *scratch);

};

extern const av_table av_table_scalar, av_table_avx2, av_table_avx512;
extern const av_gemm_table av_gemm_bf16;  // needs av_has_bf16_dot()
extern const av_gemm_table av_gemm_amx;   // needs AV_ISA_AMX
