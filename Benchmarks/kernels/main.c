// Measures every kernel family and the machine's limits: `kernel-bench [threads] [products|gradients|quantised [TYPE]|attention|rows]`.
#include "bench.h"

clockid_t bench_clock = CLOCK_MONOTONIC;

int main(int count, char **words) {
  int threads = count > 1 ? atoi(words[1]) : 2;
  const char *only = count > 2 ? words[2] : NULL;
  av_pool *pool = av_pool_create(threads, av_isa_default());
  if (!pool) return 1;
  if (threads == 1) bench_clock = CLOCK_THREAD_CPUTIME_ID;
  machine_limit limit = measure_limits(pool);
  double bf16 = measure_bf16_limit(pool);
  printf("%d threads, %s: f32 %.0f GFLOPS, bytes %.0f GOPS, bf16 pairs %.0f GFLOPS, read %.1f GB/s\n", threads, av_isa_name(av_pool_isa(pool)), limit.flops / 1e9, limit.int8 / 1e9,
         bf16 / 1e9, limit.bytes / 1e9);
  if (!only || !strcmp(only, "products")) bench_products(pool, limit, bf16);
  if (!only || !strcmp(only, "gradients")) bench_gradients(pool, limit);
  if (!only || !strcmp(only, "quantised")) bench_quantised(pool, limit, count > 3 ? words[3] : NULL);
  if (!only || !strcmp(only, "attention")) bench_attention(pool, limit);
  if (!only || !strcmp(only, "rows")) bench_rows(pool, limit);
  av_pool_destroy(pool);
  return 0;
}
