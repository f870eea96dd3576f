// Linear layers: large products against the multiply-add limit, few rows against the read bandwidth; OpenBLAS beside them.
#include "bench.h"
#include <cblas.h>

extern char *openblas_get_config(void);
static const char *const type_names[] = {"f32", "f16", "bf16"};

static void one(av_pool *pool, av_dtype type, int64_t m, int64_t n, int64_t k, bool bf16, machine_limit limit, double flop_limit) {
  float *x = filled(AV_F32, m * k), *y = filled(AV_F32, m * n), *bias = filled(AV_F32, n);
  // Several copies of the weights, so that they come from memory, as in a model.
  int64_t copies = m > 32 ? 1 : 1 + (256 << 20) / (n * k * av_size(type));
  char *w = filled(type, n * k * copies);
  av_linear_args args = {
    .m = m, .n = n, .k = k, .x = x, .ldx = k, .wtype = type, .ldw = k, .y = y, .ldy = n, .bias = {bias, AV_F32}, .activation = AV_ACT_NONE, .bf16 = bf16,
  };
  av_pool_wake(pool);
  double t = BEST(m > 32 ? 0.6 : 0.8, for (int64_t i = 0; i < copies; i++) { args.w = w + i * n * k * av_size(type); av_linear(pool, &args); }) / copies;
  av_pool_rest(pool);
  double flops = 2.0 * m * n * k / t, bytes = (double)n * k * av_size(type) / t;
  printf("| linear %s%s | %lld x %lld x %lld | %.1f | %.0f %% | %.1f | %.0f %% |\n", type_names[type], bf16 ? " (compute bf16)" : "", (long long)m,
         (long long)n, (long long)k, flops / 1e9, 100 * flops / flop_limit, bytes / 1e9, 100 * bytes / limit.bytes);
  free(x); free(y); free(bias); free(w);
}

static void blas(int threads, int64_t m, int64_t n, int64_t k, machine_limit limit) {
  float *x = filled(AV_F32, m * k), *y = filled(AV_F32, m * n), *w = filled(AV_F32, n * k);
  openblas_set_num_threads(threads);
  double t = BEST(0.6, cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, (int)m, (int)n, (int)k, 1, x, (int)k, w, (int)k, 0, y, (int)n));
  double flops = 2.0 * m * n * k / t;
  printf("| OpenBLAS f32 (%s) | %lld x %lld x %lld | %.1f | %.0f %% | | |\n", openblas_get_corename(), (long long)m, (long long)n, (long long)k,
         flops / 1e9, 100 * flops / limit.flops);
  free(x); free(y); free(w);
}

void bench_products(av_pool *pool, machine_limit limit, double bf16_limit) {
  const int64_t large[][3] = {{577, 1024, 1024}, {577, 4096, 1024}, {577, 1024, 4096}, {512, 2048, 5632}, {512, 5632, 2048}, {64, 4096, 4096}};
  printf("\n| product | m x n x k | GFLOPS | of the limit | GB/s of weights | of the limit |\n|---|---|---|---|---|---|\n");
  for (int i = 0; i < 6; i++) {
    const int64_t *s = large[i];
    for (int type = 0; type < 3; type++) one(pool, (av_dtype)type, s[0], s[1], s[2], false, limit, limit.flops);
    if (bf16_limit > 0) one(pool, AV_BF16, s[0], s[1], s[2], true, limit, bf16_limit);
    blas(av_pool_threads(pool), s[0], s[1], s[2], limit);
  }
  for (int type = 0; type < 3; type++)
    for (int64_t m = 1; m <= 32; m *= 2) one(pool, (av_dtype)type, m, 5632, 2048, false, limit, limit.flops);
}

/// What training multiplies: a factor that lies along the rows of the product, over all tokens for the gradient of a weight, over the keys of a head for those of values and keys.
void bench_gradients(av_pool *pool, machine_limit limit) {
  const int64_t shapes[][4] = {{160, 448, 6144, 1}, {192, 576, 2080, 1}, {1024, 1024, 4096, 1}, {190, 32, 190, 160}, {65, 32, 65, 192}};
  printf("\n| product of a factor that lies along the rows | m x n x k | of them | GFLOPS | of the limit |\n|---|---|---|---|---|\n");
  for (int i = 0; i < 5; i++) {
    const int64_t m = shapes[i][0], n = shapes[i][1], k = shapes[i][2], count = shapes[i][3];
    float *a = filled(AV_F32, m * k * count), *b = filled(AV_F32, n * k * count), *y = filled(AV_F32, m * n * count);
    av_matmul_args args = {.m = m, .n = n, .k = k, .a = a, .b = b, .y = y, .b_type = AV_F32, .a_row = 1, .a_col = m, .b_row = n, .b_col = 1, .y_row = n,
                           .batch_rank = 1, .batch = {count}, .a_batch = {m * k}, .b_batch = {n * k}, .y_batch = {m * n}};
    av_pool_wake(pool);
    double flops = 2.0 * m * n * k * count / BEST(0.6, av_matmul(pool, &args));
    av_pool_rest(pool);
    printf("| f32 | %lld x %lld x %lld | %lld | %.1f | %.0f %% |\n", (long long)m, (long long)n, (long long)k, (long long)count, flops / 1e9, 100 * flops / limit.flops);
    free(a); free(b); free(y);
  }
}
