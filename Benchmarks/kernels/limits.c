// Numbers to work on, and the limit of bf16 pairs; the other limits are measured by the library itself.
#include "bench.h"
#if defined(__x86_64__)
#include <immintrin.h>
#endif

void *filled(av_dtype type, int64_t n) {
  float *f = malloc((size_t)n * 4);
  uint32_t state = 1;
  for (int64_t i = 0; i < n; i++) { state = state * 1664525u + 1013904223u; f[i] = ((int32_t)state >> 8) * 0x1p-24f; }
  if (type == AV_F32) return f;
  av_pool *pool = av_pool_create(1, av_isa_default());
  void *out = malloc((size_t)(n * av_size(type)));
  av_cast(pool, AV_F32, f, type, out, n);
  av_pool_destroy(pool);
  free(f);
  return out;
}

enum { rounds = 200000, chains = 12 };

#if defined(__x86_64__)
__attribute__((target("avx512f,avx512bf16"))) static float bf512(void) {
  __m512 s[chains];
  __m512bh x = (__m512bh)_mm512_set1_epi16(0x3c00);
  for (int i = 0; i < chains; i++) s[i] = _mm512_set1_ps((float)i);
  for (int r = 0; r < rounds; r++) {
#pragma clang loop unroll(full)
    for (int i = 0; i < chains; i++) { s[i] = _mm512_dpbf16_ps(s[i], x, x); __asm__ volatile("" : "+v"(s[i])); }
  }
  __m512 t = s[0];
  for (int i = 1; i < chains; i++) t += s[i];
  return _mm512_reduce_add_ps(t);
}
static void bf16_job(void *context, int64_t job, int thread) { ((float *)context)[job % 64] = bf512(); }
#endif

machine_limit measure_limits(av_pool *pool) {
  av_limits limits = av_measure_limits(pool);
  return (machine_limit){.flops = limits.f32, .bytes = limits.read, .int8 = limits.int8};
}

double measure_bf16_limit(av_pool *pool) {
#if defined(__x86_64__)
  float sink[64];
  int threads = av_pool_threads(pool);
  if (av_has_bf16_dot() && av_pool_isa(pool) >= AV_ISA_AVX512) return 4.0 * rounds * chains * 16 * threads / BEST(0.3, av_pool_run(pool, threads, bf16_job, sink));
#endif
  return 0;
}
