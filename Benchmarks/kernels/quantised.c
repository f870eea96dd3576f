// Linear layers with quantised weights: many rows against the multiply-add limit of f32 (int8 goes beyond it), few rows against the read bandwidth.
#include "bench.h"

typedef struct { const char *name; av_dtype type; int halves[2]; } block_type;
static const block_type types[] = {
  {"q8_0", AV_Q8_0, {0, 0}}, {"q4_0", AV_Q4_0, {0, 0}}, {"q4_1", AV_Q4_1, {0, 2}}, {"q5_0", AV_Q5_0, {0, 0}}, {"q5_1", AV_Q5_1, {0, 2}},
  {"q2_k", AV_Q2_K, {80, 82}}, {"q3_k", AV_Q3_K, {108, 108}}, {"q4_k", AV_Q4_K, {0, 2}}, {"q5_k", AV_Q5_K, {0, 2}}, {"q6_k", AV_Q6_K, {208, 208}},
};

/// Random blocks whose scales are near 0.01.
static uint8_t *blocks(const block_type *t, int64_t n) {
  int64_t bytes = av_row_bytes(t->type, n), block = av_block_bytes(t->type);
  uint8_t *w = malloc((size_t)bytes);
  uint32_t state = 1;
  for (int64_t i = 0; i < bytes; i++) { state = state * 1664525u + 1013904223u; w[i] = (uint8_t)(state >> 24); }
  for (int64_t i = 0; i < bytes; i += block)
    for (int h = 0; h < 2; h++) { uint16_t half = (uint16_t)(0x2000 | w[i + t->halves[h]]); memcpy(w + i + t->halves[h], &half, 2); }
  return w;
}

/// Bytes a second of weights that lie in the second level cache, for one row on one thread: what unpacking and multiplying alone allow. The
/// difference of two sizes, so that rounding the activations is not part of it.
static double from_cache(const block_type *t, int64_t k) {
  enum { bytes = 96 << 10 };
  av_pool *pool = av_pool_create(1, av_isa_default());
  int64_t row = av_row_bytes(t->type, k), n = bytes / row / 4 * 4;
  float *x = filled(AV_F32, k), *y = filled(AV_F32, 2 * n);
  uint8_t *w = blocks(t, 2 * n * k);
  av_linear_args args = {.m = 1, .k = k, .x = x, .ldx = k, .w = w, .wtype = t->type, .ldw = k, .y = y, .ldy = 2 * n};
  double time[2];
  for (int i = 0; i < 2; i++) {
    args.n = (i + 1) * n;
    time[i] = BEST(0.1, for (int turn = 0; turn < 4; turn++) av_linear(pool, &args)) / 4;
  }
  av_pool_destroy(pool);
  free(x); free(y); free(w);
  return (double)(n * row) / (time[1] - time[0]);
}

static void one(av_pool *pool, const block_type *t, int64_t m, int64_t n, int64_t k, machine_limit limit) {
  float *x = filled(AV_F32, m * k), *y = filled(AV_F32, m * n);
  int64_t bytes = av_row_bytes(t->type, n * k), copies = m > 32 ? 1 : 1 + (512 << 20) / bytes;
  uint8_t *w = blocks(t, n * k * copies);
  av_linear_args args = {.m = m, .n = n, .k = k, .x = x, .ldx = k, .wtype = t->type, .ldw = k, .y = y, .ldy = n};
  av_pool_wake(pool);
  double time = BEST(m > 32 ? 0.4 : 0.6, for (int64_t i = 0; i < copies; i++) { args.w = w + i * bytes; av_linear(pool, &args); }) / copies;
  av_pool_rest(pool);
  double flops = 2.0 * m * n * k / time, read = bytes / time;
  printf("| linear %s | %lld x %lld x %lld | %.1f | %.0f %% | %.1f | %.0f %% |", t->name, (long long)m, (long long)n, (long long)k, flops / 1e9,
         100 * flops / limit.flops, read / 1e9, 100 * read / limit.bytes);
  if (m == 1) printf(" %.1f |\n", from_cache(t, k) / 1e9);
  else printf(" |\n");
  fflush(stdout);
  free(x); free(y); free(w);
}

void bench_quantised(av_pool *pool, machine_limit limit, const char *only) {
  printf("\n%s\n| quantised product | m x n x k | G operations/s | of the f32 limit | GB/s of weights | of the limit | of one thread from its cache |\n|---|---|---|---|---|---|---|\n", av_quant_kernels(pool));
  for (int i = 0; i < (int)(sizeof types / sizeof *types); i++) {
    if (only && strcmp(only, types[i].name)) continue;
    one(pool, &types[i], 512, 5632, 2048, limit);
    one(pool, &types[i], 512, 2048, 5632, limit);
    for (int64_t m = 1; m <= 8; m *= 2) one(pool, &types[i], m, 5632, 2048, limit);
    one(pool, &types[i], 1, 2048, 5632, limit);
    one(pool, &types[i], 32, 5632, 2048, limit);
  }
}
