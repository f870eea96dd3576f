// One vocabulary of vector operations for every instruction set. Each `isa_*.c` defines AV_LEVEL (0 portable, 1 AVX2, 2 AVX-512),
// opens a `target` pragma and includes this file and all `*_level.h` files, so that each kernel is written once and compiled three times.
// Clang's vector extensions do the arithmetic; only loads of half types, partial loads and a few exact operations need intrinsics.
#pragma once
#include "table.h"
#include <float.h>
#include <math.h>
#include <string.h>
#if AV_LEVEL > 0
#include <immintrin.h>
#endif

#define FN static inline __attribute__((always_inline))
#define UNROLL _Pragma("clang loop unroll(full)")
#if AV_LEVEL == 2
#define W 16
#elif AV_LEVEL == 1
#define W 8
#else
#define W 4
#endif

typedef float vf __attribute__((ext_vector_type(W)));
typedef int32_t vi __attribute__((ext_vector_type(W)));
typedef uint32_t vu __attribute__((ext_vector_type(W)));
typedef uint16_t vh __attribute__((ext_vector_type(W)));

FN vf v_set(float x) { return (vf)x; }
FN vf v_load(const float *p) { vf v; memcpy(&v, p, sizeof v); return v; }
FN void v_store(float *p, vf v) { memcpy(p, &v, sizeof v); }
FN vf v_fma(vf a, vf b, vf c) { return a * b + c; }  // contracted to one instruction where the target has it
FN vf v_max(vf a, vf b) { return a > b ? a : b; }
FN vf v_min(vf a, vf b) { return a < b ? a : b; }
FN vf v_bits(vi v) { return (vf)v; }
FN vi v_int(vf v) { return (vi)v; }
FN vf v_abs(vf v) { return (vf)((vi)v & 0x7fffffff); }
FN vf v_copysign(vf magnitude, vf sign) { return (vf)(((vi)magnitude & 0x7fffffff) | ((vi)sign & (int32_t)0x80000000)); }
FN vf v_select(vi mask, vf yes, vf no) { return mask ? yes : no; }
FN vf v_sqrt(vf v) { return __builtin_elementwise_sqrt(v); }
#if AV_LEVEL == 0
// The portable target has no rounding instruction; adding 1.5 * 2^23 rounds to nearest even where |v| < 2^22.
FN vf v_round_small(vf v) { return (v + 12582912.0f) - 12582912.0f; }
#else
FN vf v_round_small(vf v) { return __builtin_elementwise_roundeven(v); }
#endif
FN vi v_to_int(vf v) { return __builtin_convertvector(v, vi); }
FN vf v_from_int(vi v) { return __builtin_convertvector(v, vf); }

/// The first `n` (1...W) lanes from memory, the rest zero. Never touches memory past `p[n - 1]`.
FN vf v_load_n(const float *p, int64_t n) {
#if AV_LEVEL == 2
  return _mm512_maskz_loadu_ps((__mmask16)((1u << n) - 1), p);
#elif AV_LEVEL == 1
  static const int32_t mask[16] = {-1, -1, -1, -1, -1, -1, -1, -1};
  return _mm256_maskload_ps(p, _mm256_loadu_si256((const __m256i *)(mask + 8 - n)));
#else
  vf v = v_set(0);
  for (int64_t i = 0; i < n; i++) v[i] = p[i];
  return v;
#endif
}
FN void v_store_n(float *p, vf v, int64_t n) {
#if AV_LEVEL == 2
  _mm512_mask_storeu_ps(p, (__mmask16)((1u << n) - 1), v);
#elif AV_LEVEL == 1
  static const int32_t mask[16] = {-1, -1, -1, -1, -1, -1, -1, -1};
  _mm256_maskstore_ps(p, _mm256_loadu_si256((const __m256i *)(mask + 8 - n)), v);
#else
  for (int64_t i = 0; i < n; i++) p[i] = v[i];
#endif
}
FN vf v_load_any(const float *p, int64_t n) { return n >= W ? v_load(p) : v_load_n(p, n); }
FN void v_store_any(float *p, vf v, int64_t n) { if (n >= W) v_store(p, v); else v_store_n(p, v, n); }

FN vh h_load(const uint16_t *p) { vh v; memcpy(&v, p, sizeof v); return v; }
FN vh h_load_n(const uint16_t *p, int64_t n) {
#if AV_LEVEL == 2
  return (vh)_mm256_maskz_loadu_epi16((__mmask16)((1u << n) - 1), p);
#else
  vh v = (vh)0;
  for (int64_t i = 0; i < n; i++) v[i] = p[i];
  return v;
#endif
}
FN void h_store_any(uint16_t *p, vh v, int64_t n) {
  if (n >= W) { memcpy(p, &v, sizeof v); return; }
#if AV_LEVEL == 2
  _mm256_mask_storeu_epi16(p, (__mmask16)((1u << n) - 1), (__m256i)v);
#else
  for (int64_t i = 0; i < n; i++) p[i] = v[i];
#endif
}
FN vf v_from_bf16(vh h) { return (vf)(__builtin_convertvector(h, vu) << 16); }
FN vf v_from_f16(vh h) {
#if AV_LEVEL == 2
  return _mm512_cvtph_ps((__m256i)h);
#elif AV_LEVEL == 1
  return _mm256_cvtph_ps((__m128i)h);
#else
  // Shifts exponent and mantissa into place, then multiplies by 2^112, which also normalises subnormals; infinities and NaN apart.
  vu u = __builtin_convertvector(h, vu), magnitude = u & 0x7fff;
  vf scaled = (vf)(magnitude << 13) * v_set(0x1p112f);
  vu special = (vu)(magnitude >= 0x7c00);
  return (vf)(((vu)scaled & ~special) | (((magnitude << 13) | 0x7f800000) & special) | ((u & 0x8000) << 16));
#endif
}
/// Rounds to nearest even; NaN stays NaN (quiet).
FN vh v_to_bf16(vf v) {
  vu u = (vu)v, rounded = (u + 0x7fff + ((u >> 16) & 1)) >> 16;
  vu nan = (vu)(v != v);
  rounded = (rounded & ~nan) | (((u >> 16) | 0x40) & nan);
  return __builtin_convertvector(rounded, vh);
}
FN vh v_to_f16(vf v) {
#if AV_LEVEL == 2
  return (vh)_mm512_cvtps_ph(v, _MM_FROUND_TO_NEAREST_INT);
#elif AV_LEVEL == 1
  return (vh)_mm256_cvtps_ph(v, _MM_FROUND_TO_NEAREST_INT);
#else
  vh out;
  for (int i = 0; i < W; i++) out[i] = av_f16_from_f32(v[i]);
  return out;
#endif
}

/// W numbers of blocks of 32 with a scale (ggml's Q8_0), `i` elements in, which is a multiple of W.
FN vf v_load_q8(const void *p, int64_t i) {
  typedef int8_t bytes __attribute__((ext_vector_type(W)));
  const char *block = (const char *)p + i / 32 * 34;
  uint16_t scale;
  bytes q;
  memcpy(&scale, block, sizeof scale);
  memcpy(&q, block + 2 + i % 32, sizeof q);
  return v_from_int(__builtin_convertvector(q, vi)) * v_from_f16((vh)scale);
}
/// W (or the first `n`) elements of a stored vector, `i` elements in, as f32. `type` is a constant at each call, so the switch folds away.
FN vf v_load_as(av_dtype type, const void *p, int64_t i, int64_t n) {
  switch (type) {
  case AV_F16: { const uint16_t *h = (const uint16_t *)p + i; return v_from_f16(n >= W ? h_load(h) : h_load_n(h, n)); }
  case AV_BF16: { const uint16_t *h = (const uint16_t *)p + i; return v_from_bf16(n >= W ? h_load(h) : h_load_n(h, n)); }
  case AV_Q8_0: return v_load_q8(p, i);
  default: return v_load_any((const float *)p + i, n);
  }
}
FN void v_store_as(av_dtype type, void *p, int64_t i, vf v, int64_t n) {
  switch (type) {
  case AV_F16: h_store_any((uint16_t *)p + i, v_to_f16(v), n); break;
  case AV_BF16: h_store_any((uint16_t *)p + i, v_to_bf16(v), n); break;
  default: v_store_any((float *)p + i, v, n);
  }
}

FN float v_sum(vf v) {
#if AV_LEVEL == 2
  return _mm512_reduce_add_ps(v);
#else
  float lanes[W], s = 0;
  memcpy(lanes, &v, sizeof v);
  for (int half = W / 2; half > 0; half /= 2)
    for (int i = 0; i < half; i++) lanes[i] += lanes[i + half];
  s = lanes[0];
  return s;
#endif
}
/// out[i] = the sum of v[i]'s lanes, for four vectors together.
FN void v_sum4(const vf v[4], float *out) {
  typedef float v4 __attribute__((ext_vector_type(4)));
#if AV_LEVEL == 2
#define LOW(a, b) __builtin_shufflevector(a, b, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23)
#define HIGH(a, b) __builtin_shufflevector(a, b, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31)
#define FOLD(z) (z.lo.lo + z.lo.hi) + (z.hi.lo + z.hi.hi)
#elif AV_LEVEL == 1
#define LOW(a, b) __builtin_shufflevector(a, b, 0, 8, 1, 9, 2, 10, 3, 11)
#define HIGH(a, b) __builtin_shufflevector(a, b, 4, 12, 5, 13, 6, 14, 7, 15)
#define FOLD(z) z.lo + z.hi
#else
#define LOW(a, b) __builtin_shufflevector(a, b, 0, 4, 1, 5)
#define HIGH(a, b) __builtin_shufflevector(a, b, 2, 6, 3, 7)
#define FOLD(z) z
#endif
  vf even = LOW(v[0], v[2]) + HIGH(v[0], v[2]), odd = LOW(v[1], v[3]) + HIGH(v[1], v[3]);
  vf z = LOW(even, odd) + HIGH(even, odd);  // lanes 0, 1, 2, 3 of each four belong to the four vectors
  v4 sums = FOLD(z);
  memcpy(out, &sums, sizeof sums);
#undef LOW
#undef HIGH
#undef FOLD
}
/// 0, 1, 2, ...
FN vi v_iota(void) {
  vi v;
  for (int i = 0; i < W; i++) v[i] = i;
  return v;
}
FN float v_max_lane(vf v) {
  float m = v[0];
  for (int i = 1; i < W; i++) m = v[i] > m ? v[i] : m;
  return m;
}
