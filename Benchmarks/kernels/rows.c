// Norms, softmax and elementwise maps: bytes read and written per second, in the second level cache.
#include "bench.h"

#define REPORT(name, elements, words, body) do { \
  double t = BEST(0.2, body); \
  printf("| %s | %.2f | %.1f |\n", name, (elements) / t / 1e9, (elements) * 4.0 * (words) / t / 1e9); } while (0)

void bench_rows(av_pool *pool, machine_limit limit) {
  enum { rows = 577, cols = 1024, n = rows * cols };
  float *x = filled(AV_F32, n), *z = filled(AV_F32, n), *y = filled(AV_F32, n), *w = filled(AV_F32, cols);
  uint16_t *h = malloc(n * 2);
  av_rows r = {rows, cols, x, cols, y, cols};
  av_vector weight = {w, AV_F32};
  av_map flat = {.rank = 1, .shape = {n}, .a = {1}, .b = {1}, .c = {1}}, broadcast = {.rank = 2, .shape = {rows, cols}, .a = {cols, 1}, .b = {0, 1}};
  av_pool_wake(pool);
  printf("\n| rows and elementwise, 577 x 1024 | G elements/s | GB/s |\n|---|---|---|\n");
  REPORT("layerNorm", n, 2, av_layer_norm(pool, &r, weight, weight, 1e-5f));
  REPORT("rmsNorm", n, 2, av_rms_norm(pool, &r, weight, 1e-5f));
  REPORT("softmax", n, 2, av_softmax(pool, &r));
  const struct { const char *name; av_unary_kind kind; } unary[] = {{"exp", AV_EXP}, {"log", AV_LOG}, {"gelu", AV_GELU}, {"gelu (tanh)", AV_GELU_TANH},
    {"quick_gelu", AV_QUICK_GELU}, {"silu", AV_SILU}, {"tanh", AV_TANH}, {"sin", AV_SIN}};
  for (int i = 0; i < 8; i++) REPORT(unary[i].name, n, 2, av_unary(pool, unary[i].kind, &flat, x, y));
  REPORT("add", n, 3, av_binary(pool, AV_ADD, &flat, x, z, y));
  REPORT("add of a broadcast row", n, 2, av_binary(pool, AV_ADD, &broadcast, x, w, y));
  REPORT("swiglu", n, 3, av_gated(pool, AV_ACT_SILU, rows, cols, x, cols, z, cols, y, cols));
  REPORT("cast f32 to bf16", n, 1.5, av_cast(pool, AV_F32, x, AV_BF16, h, n));
  REPORT("cast f16 to f32", n, 1.5, av_cast(pool, AV_F16, h, AV_F32, y, n));
  enum { tokens = 512, heads = 32, head = 64 };
  int32_t positions[tokens];
  float inv[head / 2];
  for (int i = 0; i < tokens; i++) positions[i] = i;
  for (int i = 0; i < head / 2; i++) inv[i] = 1.0f / (float)(i + 1);
  float *q = filled(AV_F32, tokens * heads * head);
  av_rope_args rope = {tokens, heads, head, head, q, heads * head, head, q, heads * head, head, positions, inv, 1, false};
  REPORT("rope 512 x 32 x 64", tokens * heads * head, 2, av_rope(pool, &rope));
  av_resize_args resize = {3, 336, 336, 224, 224, AV_BICUBIC, false, -0.75f, x, y};
  REPORT("resize bicubic 336 to 224", 3 * 224 * 224, 2, av_resize2d(pool, &resize));
  av_pool_rest(pool);
  free(x); free(y); free(z); free(w); free(h); free(q);
}
