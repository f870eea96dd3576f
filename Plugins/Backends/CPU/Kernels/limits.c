// Multiply-adds from registers, and reading memory once: the best of repeated runs, since other work on the machine only ever adds.
#include "table.h"
#include "Quant/quant_table.h"
#include <stdlib.h>
#include <string.h>
#include <time.h>
#if defined(__x86_64__)
#include <immintrin.h>
#endif

enum { rounds = 200000, chains = 12, piece = 1 << 20 };
enum { multiply_adds, byte_products, reading };
typedef struct { float sink[64]; const char *memory; const char *kernels; av_isa isa; int what; } limit_context;

/// `step` on each of twelve independent sums, over and over.
#define CHAINS(type, first, step, sum, result) { \
  type s[chains]; \
  for (int i = 0; i < chains; i++) s[i] = first; \
  for (int r = 0; r < rounds; r++) { \
    _Pragma("clang loop unroll(full)") for (int i = 0; i < chains; i++) { s[i] = step; __asm__ volatile("" : "+v"(s[i])); } \
  } \
  type t = s[0]; \
  for (int i = 1; i < chains; i++) t = sum; \
  float out[sizeof(type) / 4]; \
  memcpy(out, &t, sizeof t); \
  return out[0]; }

#if defined(__x86_64__)
__attribute__((target("avx512f"))) static float fma512(void) {
  __m512 x = _mm512_set1_ps(0.999f), y = _mm512_set1_ps(1e-3f);
  CHAINS(__m512, _mm512_set1_ps((float)i), _mm512_fmadd_ps(s[i], x, y), t + s[i], t)
}
__attribute__((target("avx2,fma"))) static float fma256(void) {
  __m256 x = _mm256_set1_ps(0.999f), y = _mm256_set1_ps(1e-3f);
  CHAINS(__m256, _mm256_set1_ps((float)i), _mm256_fmadd_ps(s[i], x, y), t + s[i], t)
}
__attribute__((target("avx512f,avx512vnni"))) static float bytes512(void) {
  __m512i x = _mm512_set1_epi8(3);
  CHAINS(__m512i, _mm512_set1_epi8((char)i), _mm512_dpbusd_epi32(s[i], x, x), t + s[i], t)
}
__attribute__((target("avx2,avxvnni"))) static float bytes256(void) {
  __m256i x = _mm256_set1_epi8(3);
  CHAINS(__m256i, _mm256_set1_epi8((char)i), _mm256_dpbusd_avx_epi32(s[i], x, x), t + s[i], t)
}
__attribute__((target("avx2"))) static float pairs256(void) {
  __m256i x = _mm256_set1_epi8(3);
  CHAINS(__m256i, _mm256_set1_epi8((char)i), _mm256_add_epi16(s[i], _mm256_maddubs_epi16(x, s[i])), _mm256_add_epi16(t, s[i]), t)
}
#endif
static float mul_add128(void) {
  typedef float v4 __attribute__((ext_vector_type(4)));
  v4 s[chains];
  for (int i = 0; i < chains; i++) s[i] = (v4)(float)i;
  for (int r = 0; r < rounds; r++) {
    _Pragma("clang loop unroll(full)") for (int i = 0; i < chains; i++) s[i] = s[i] * 0.999f + 1e-3f;
  }
  v4 t = s[0];
  for (int i = 1; i < chains; i++) t += s[i];
  return t[0] + t[1] + t[2] + t[3];
}

static void arithmetic_job(void *context, int64_t job, int thread) {
  limit_context *s = context;
#if defined(__x86_64__)
  if (s->what == byte_products) {
    s->sink[job % 64] = !strcmp(s->kernels, "avx512vnni") ? bytes512() : !strcmp(s->kernels, "avxvnni") ? bytes256() : pairs256();
    return;
  }
  if (s->isa >= AV_ISA_AVX512) { s->sink[job % 64] = fma512(); return; }
  if (s->isa == AV_ISA_AVX2) { s->sink[job % 64] = fma256(); return; }
#endif
  s->sink[job % 64] = mul_add128();
}

static void read_job(void *context, int64_t job, int thread) {
  limit_context *s = context;
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

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

/// The best time of `jobs` jobs, tried for about `seconds`.
static double best(av_pool *pool, int64_t jobs, av_job job, limit_context *s, double seconds) {
  double best = 1e30, begin = now();
  for (int round = 0; round < 3 || now() - begin < seconds; round++) {
    double t = now();
    av_pool_run(pool, jobs, job, s);
    t = now() - t;
    if (t < best) best = t;
  }
  return best;
}

av_limits av_measure_limits(av_pool *pool) {
  av_limits limits = {0, 0, 0};
  const int threads = av_pool_threads(pool);
  limit_context *s = aligned_alloc(64, (sizeof *s + 63) / 64 * 64);
  if (!s) return limits;
  *s = (limit_context){.isa = av_pool_isa(pool), .kernels = av_quant_kernels(pool), .what = multiply_adds};
  av_pool_wake(pool);
  const double work = 2.0 * rounds * chains * threads, lanes = s->isa >= AV_ISA_AVX512 ? 16 : s->isa == AV_ISA_AVX2 ? 8 : 4;
  limits.f32 = work * lanes / best(pool, threads, arithmetic_job, s, 0.4);
  s->what = byte_products;
  if (s->isa != AV_ISA_SCALAR) limits.int8 = work * (!strcmp(s->kernels, "avx512vnni") ? 64 : 32) / best(pool, threads, arithmetic_job, s, 0.4);
  const int64_t bytes = 1ll << 30;
  char *memory = aligned_alloc(4096, (size_t)bytes);
  if (memory) {
    memset(memory, 1, (size_t)bytes);
    s->memory = memory;
    limits.read = (double)bytes / best(pool, bytes / piece, read_job, s, 1.0);
  }
  av_pool_rest(pool);
  free(memory);
  free(s);
  return limits;
}
