// What the processor can do at most: multiply-adds from registers, and reading memory once.
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
typedef struct { float sink[64]; const char *memory; int64_t bytes; av_isa isa; bool bf16; } limit_context;

#if defined(__x86_64__)
__attribute__((target("avx512f"))) static float fma512(void) {
  __m512 s[chains], x = _mm512_set1_ps(0.999f), y = _mm512_set1_ps(1e-3f);
  for (int i = 0; i < chains; i++) s[i] = _mm512_set1_ps((float)i);
  for (int r = 0; r < rounds; r++) {
#pragma clang loop unroll(full)
    for (int i = 0; i < chains; i++) { s[i] = _mm512_fmadd_ps(s[i], x, y); __asm__ volatile("" : "+v"(s[i])); }
  }
  __m512 t = s[0];
  for (int i = 1; i < chains; i++) t += s[i];
  return _mm512_reduce_add_ps(t);
}
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
__attribute__((target("avx2,fma"))) static float fma256(void) {
  __m256 s[chains], x = _mm256_set1_ps(0.999f), y = _mm256_set1_ps(1e-3f);
  for (int i = 0; i < chains; i++) s[i] = _mm256_set1_ps((float)i);
  for (int r = 0; r < rounds; r++) {
#pragma clang loop unroll(full)
    for (int i = 0; i < chains; i++) { s[i] = _mm256_fmadd_ps(s[i], x, y); __asm__ volatile("" : "+v"(s[i])); }
  }
  float out[8], t = 0;
  for (int i = 1; i < chains; i++) s[0] += s[i];
  _mm256_storeu_ps(out, s[0]);
  for (int i = 0; i < 8; i++) t += out[i];
  return t;
}
#endif
static float mul_add128(void) {
  typedef float v4 __attribute__((ext_vector_type(4)));
  v4 s[chains];
  for (int i = 0; i < chains; i++) s[i] = (v4)(float)i;
  for (int r = 0; r < rounds; r++) {
#pragma clang loop unroll(full)
    for (int i = 0; i < chains; i++) s[i] = s[i] * 0.999f + 1e-3f;
  }
  v4 t = s[0];
  for (int i = 1; i < chains; i++) t += s[i];
  return t[0] + t[1] + t[2] + t[3];
}

static void fma_job(void *context, int64_t job, int thread) {
  limit_context *s = context;
#if defined(__x86_64__)
  if (s->bf16) { s->sink[job] = bf512(); return; }
  if (s->isa == AV_ISA_AVX512) { s->sink[job] = fma512(); return; }
  if (s->isa == AV_ISA_AVX2) { s->sink[job] = fma256(); return; }
#endif
  s->sink[job] = mul_add128();
}

static void read_job(void *context, int64_t job, int thread) {
  limit_context *s = context;
  const int64_t piece = 1 << 20;
  typedef uint64_t v8 __attribute__((ext_vector_type(8)));
  v8 a = 0, b = 0;
  const char *p = s->memory + job * piece;
  for (int64_t i = 0; i < piece; i += 128) {
    __builtin_prefetch(p + i + 2048);
    __builtin_prefetch(p + i + 2112);
    a ^= *(const v8 *)(p + i);
    b ^= *(const v8 *)(p + i + 64);
  }
  a ^= b;
  s->sink[thread % 64] = (float)(a[0] ^ a[1] ^ a[2] ^ a[3] ^ a[4] ^ a[5] ^ a[6] ^ a[7]);
}

static double lanes(av_isa isa) { return isa == AV_ISA_AVX512 ? 16 : isa == AV_ISA_AVX2 ? 8 : 4; }

machine_limit measure_limits(av_pool *pool) {
  int threads = av_pool_threads(pool);
  limit_context *s = aligned_alloc(64, (sizeof *s + 63) / 64 * 64);
  *s = (limit_context){.isa = av_pool_isa(pool), .bytes = 1ll << 30};
  double t = BEST(0.5, av_pool_run(pool, threads, fma_job, s));
  machine_limit limit = {.flops = 2.0 * rounds * chains * lanes(s->isa) * threads / t};
  char *memory = aligned_alloc(4096, (size_t)s->bytes);
  memset(memory, 1, (size_t)s->bytes);
  s->memory = memory;
  limit.bytes = (double)s->bytes / BEST(1.0, av_pool_run(pool, s->bytes >> 20, read_job, s));
  free(memory);
  free(s);
  return limit;
}

double measure_bf16_limit(av_pool *pool) {
  if (!av_has_bf16_dot() || av_pool_isa(pool) != AV_ISA_AVX512) return 0;
  limit_context s = {.bf16 = true};
  int threads = av_pool_threads(pool);
  return 4.0 * rounds * chains * 16 * threads / BEST(0.3, av_pool_run(pool, threads, fma_job, &s));
}
