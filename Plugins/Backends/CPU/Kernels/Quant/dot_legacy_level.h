// Dot products of blocks of 32. Two blocks share a vector, one in each half, and eight share the arithmetic of their scales.
#pragma once

/// Sums of four products of bytes, unsigned times signed, to 32 bits.
FN __m256i dot_bytes(__m256i u, __m256i x) {
#ifdef AV_VNNI
  return AV_DPBUSD_256(_mm256_setzero_si256(), u, x);
#else
  return _mm256_madd_epi16(_mm256_maddubs_epi16(u, x), _mm256_set1_epi16(1));
#endif
}
/// The same of two pairs of vectors, added. Numbers up to 31.
FN __m256i dot_bytes2(__m256i u0, __m256i x0, __m256i u1, __m256i x1) {
#ifdef AV_VNNI
  return AV_DPBUSD_256(AV_DPBUSD_256(_mm256_setzero_si256(), u0, x0), u1, x1);
#else
  return _mm256_madd_epi16(_mm256_add_epi16(_mm256_maddubs_epi16(u0, x0), _mm256_maddubs_epi16(u1, x1)), _mm256_set1_epi16(1));
#endif
}
FN __m256i two_halves(const void *low, const void *high) {
  return _mm256_inserti128_si256(_mm256_castsi128_si256(_mm_loadu_si128(low)), _mm_loadu_si128(high), 1);
}
FN float sum_lanes(__m256 v) {
  __m128 x = _mm_add_ps(_mm256_castps256_ps128(v), _mm256_extractf128_ps(v, 1));
  x = _mm_add_ps(x, _mm_movehl_ps(x, x));
  return _mm_cvtss_f32(_mm_add_ss(x, _mm_movehdup_ps(x)));
}
FN uint16_t bits16(const uint8_t *p) { uint16_t h; memcpy(&h, p, 2); return h; }

/// Eight scales `step` bytes apart, those of even blocks in the lower half.
FN __m256 scales_evens_first(const uint8_t *w, int step) {
  return _mm256_cvtph_ps(_mm_set_epi16(
    (short)bits16(w + 7 * step), (short)bits16(w + 5 * step), (short)bits16(w + 3 * step), (short)bits16(w + step),
    (short)bits16(w + 6 * step), (short)bits16(w + 4 * step), (short)bits16(w + 2 * step), (short)bits16(w)));
}
FN __m256 evens_first(const float *p) { return _mm256_permutevar8x32_ps(_mm256_loadu_ps(p), _mm256_setr_epi32(0, 2, 4, 6, 1, 3, 5, 7)); }

/// Bits `first`...`first + 15` of a 32-bit word of each half, as bytes of 16 or 0.
FN __m256i fifth_bits(__m256i words, int first) {
  const __m256i bytes = _mm256_setr_epi8(0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1);
  const __m256i bit = _mm256_set1_epi64x((long long)0x8040201008040201ull);
  __m256i spread = _mm256_shuffle_epi8(words, _mm256_add_epi8(bytes, _mm256_set1_epi8((char)(first / 8))));
  return _mm256_and_si256(_mm256_cmpeq_epi8(_mm256_and_si256(spread, bit), bit), _mm256_set1_epi8(16));
}

FN float dot_legacy(av_dtype type, const uint8_t *w, const int8_t *x, const float *scale, const float *sum, int64_t k) {
  const bool five = type == AV_Q5_0 || type == AV_Q5_1, has_minimum = type == AV_Q4_1 || type == AV_Q5_1;
  const int bytes = (int)av_block_bytes(type), head = has_minimum ? 4 : 2, quants = head + (five ? 4 : 0);
  const __m256i nibble = _mm256_set1_epi8(15);
  __m256 total = _mm256_setzero_ps(), shift = _mm256_setzero_ps();
  int64_t b = 0;
  for (; b + 8 <= k / 32; b += 8, w += 8 * bytes, x += 256) {
    UNROLL for (int line = 0; line < 8 * bytes; line += 64) __builtin_prefetch(w + dot_ahead + line);
    __m256 d = scales_evens_first(w, bytes), factor = _mm256_mul_ps(d, evens_first(scale + b));
    shift = _mm256_fmadd_ps(has_minimum ? scales_evens_first(w + 2, bytes) : d, evens_first(sum + b), shift);
#define PAIR(p) { \
    const uint8_t *even = w + 2 * p * bytes, *odd = even + bytes; \
    __m256i raw = two_halves(even + quants, odd + quants); \
    __m256i low = _mm256_and_si256(raw, nibble), high = _mm256_and_si256(_mm256_srli_epi16(raw, 4), nibble); \
    if (five) { \
      int32_t a, c; \
      memcpy(&a, even + head, 4); \
      memcpy(&c, odd + head, 4); \
      __m256i words = _mm256_inserti128_si256(_mm256_castsi128_si256(_mm_cvtsi32_si128(a)), _mm_cvtsi32_si128(c), 1); \
      low = _mm256_or_si256(low, fifth_bits(words, 0)); \
      high = _mm256_or_si256(high, fifth_bits(words, 16)); \
    } \
    const int8_t *xe = x + 64 * p, *xo = xe + 32; \
    __m256i found = dot_bytes2(low, two_halves(xe, xo), high, two_halves(xe + 16, xo + 16)); \
    total = _mm256_fmadd_ps(_mm256_cvtepi32_ps(found), _mm256_permute_ps(factor, p * 0x55), total); }
    PAIR(0) PAIR(1) PAIR(2) PAIR(3)
#undef PAIR
  }
  float rest = 0;
  for (; b < k / 32; b++, w += bytes, x += 32) {
    uint8_t u[32];
    float d, m;
    unpack_legacy(type, w, u, &d, &m);
    __m256i found = dot_bytes(_mm256_loadu_si256((const void *)u), _mm256_loadu_si256((const void *)x));
    total = _mm256_fmadd_ps(_mm256_cvtepi32_ps(found), _mm256_set1_ps(d * scale[b]), total);
    rest -= m * sum[b];
  }
  float shifted = has_minimum ? sum_lanes(shift) : -(float)offset_of(type) * sum_lanes(shift);
  return sum_lanes(total) + shifted + rest;
}

/// Signed bytes: the sign of the weight moves to the activation.
FN float dot_q8_0(const uint8_t *w, const int8_t *x, const float *scale, const float *sum, int64_t k) {
  __m256 total = _mm256_setzero_ps(), other = _mm256_setzero_ps();
  int64_t b = 0;
#define BLOCK(p, factor, total) { \
  __m256i q = _mm256_loadu_si256((const void *)(w + (p) * 34 + 2)), y = _mm256_loadu_si256((const void *)(x + (p) * 32)); \
  __m256i found = dot_bytes(_mm256_abs_epi8(q), _mm256_sign_epi8(y, q)); \
  total = _mm256_fmadd_ps(_mm256_cvtepi32_ps(found), _mm256_set1_ps(factor), total); }
  for (; b + 8 <= k / 32; b += 8, w += 8 * 34, x += 256) {
    UNROLL for (int line = 0; line < 8 * 34; line += 64) __builtin_prefetch(w + dot_ahead + line);
    float factor[8];
    __m256 d = _mm256_cvtph_ps(_mm_set_epi16(
      (short)bits16(w + 7 * 34), (short)bits16(w + 6 * 34), (short)bits16(w + 5 * 34), (short)bits16(w + 4 * 34), (short)bits16(w + 3 * 34),
      (short)bits16(w + 2 * 34), (short)bits16(w + 34), (short)bits16(w)));
    _mm256_storeu_ps(factor, _mm256_mul_ps(d, _mm256_loadu_ps(scale + b)));
    BLOCK(0, factor[0], total) BLOCK(1, factor[1], other) BLOCK(2, factor[2], total) BLOCK(3, factor[3], other)
    BLOCK(4, factor[4], total) BLOCK(5, factor[5], other) BLOCK(6, factor[6], total) BLOCK(7, factor[7], other)
  }
  for (; b < k / 32; b++, w += 34, x += 32) BLOCK(0, half_at(w) * scale[b], total)
#undef BLOCK
  return sum_lanes(_mm256_add_ps(total, other));
}
