// Dot products of the K types: 256 elements with scales of scales.
#pragma once

/// Eight bytes as floats.
FN __m256 floats_of(uint64_t bytes) { return _mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(_mm_cvtsi64_si128((long long)bytes))); }
FN void prefetch_block(const uint8_t *w, int bytes) { UNROLL for (int line = 0; line < bytes; line += 64) __builtin_prefetch(w + dot_ahead + line); }

/// Q4_K, and with a fifth bit Q5_K: eight sub-blocks of 32.
FN float dot_q4_k(bool five, const uint8_t *w, const int8_t *x, const float *scale, const float *sum, int64_t k) {
  const __m256i nibble = _mm256_set1_epi8(15);
  const int bytes = five ? 176 : 144;
  __m256 total = _mm256_setzero_ps(), shift = _mm256_setzero_ps();
  for (; k > 0; k -= 256, w += bytes, x += 256, scale += 8, sum += 8) {
    prefetch_block(w, bytes);
    uint32_t a[3];
    memcpy(a, w + 4, 12);
    uint64_t scales = (a[0] & 0x3f3f3f3f) | (uint64_t)((a[2] & 0x0f0f0f0f) | (a[0] >> 6 & 0x03030303) << 4) << 32;
    uint64_t minima = (a[1] & 0x3f3f3f3f) | (uint64_t)((a[2] >> 4 & 0x0f0f0f0f) | (a[1] >> 6 & 0x03030303) << 4) << 32;
    float factor[8];
    _mm256_storeu_ps(factor, _mm256_mul_ps(floats_of(scales), _mm256_loadu_ps(scale)));
    const uint8_t *q = w + (five ? 48 : 16);
    __m256i high = five ? _mm256_loadu_si256((const void *)(w + 16)) : _mm256_setzero_si256();
    __m256 here = _mm256_setzero_ps(), there = _mm256_setzero_ps();
#define PAIR(p) { \
    __m256i raw = _mm256_loadu_si256((const void *)(q + 32 * p)); \
    __m256i u0 = _mm256_and_si256(raw, nibble), u1 = _mm256_and_si256(_mm256_srli_epi16(raw, 4), nibble); \
    if (five) { \
      const __m256i sixteen = _mm256_set1_epi8(16); \
      u0 = _mm256_or_si256(u0, _mm256_and_si256(2 * p <= 4 ? _mm256_slli_epi16(high, 4 - 2 * p) : _mm256_srli_epi16(high, 2 * p - 4), sixteen)); \
      u1 = _mm256_or_si256(u1, _mm256_and_si256(2 * p + 1 <= 4 ? _mm256_slli_epi16(high, 3 - 2 * p) : _mm256_srli_epi16(high, 2 * p - 3), sixteen)); \
    } \
    __m256i s0 = dot_bytes(u0, _mm256_loadu_si256((const void *)(x + 64 * p))), s1 = dot_bytes(u1, _mm256_loadu_si256((const void *)(x + 64 * p + 32))); \
    here = _mm256_fmadd_ps(_mm256_cvtepi32_ps(s0), _mm256_set1_ps(factor[2 * p]), here); \
    there = _mm256_fmadd_ps(_mm256_cvtepi32_ps(s1), _mm256_set1_ps(factor[2 * p + 1]), there); }
    PAIR(0) PAIR(1) PAIR(2) PAIR(3)
#undef PAIR
    total = _mm256_fmadd_ps(_mm256_set1_ps(half_at(w)), _mm256_add_ps(here, there), total);
    shift = _mm256_fmadd_ps(_mm256_set1_ps(half_at(w + 2)), _mm256_mul_ps(floats_of(minima), _mm256_loadu_ps(sum)), shift);
  }
  return sum_lanes(_mm256_sub_ps(total, shift));
}

/// The numbers of 16 sub-blocks of 16 as floats, even ones in the lower half: those of sub-blocks 2i and 2i + 1 are lane i of both halves.
FN void sixteen_evens_first(__m128i bytes, __m256 out[2]) {
  __m128i order = _mm_shuffle_epi8(bytes, _mm_setr_epi8(0, 2, 4, 6, 1, 3, 5, 7, 8, 10, 12, 14, 9, 11, 13, 15));
  out[0] = _mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(order));
  out[1] = _mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(_mm_srli_si128(order, 8)));
}
/// Factors times the scales of the activations, which both halves share.
FN __m256 with_scales(__m256 factor, const float *scale) { return _mm256_mul_ps(factor, _mm256_broadcast_ps((const __m128 *)scale)); }
/// One 32 of elements: two sub-blocks, one in each half.
#define AV_SUBS(i, u, factor, total) \
  total = _mm256_fmadd_ps(_mm256_cvtepi32_ps(dot_bytes(u, _mm256_loadu_si256((const void *)(x + 32 * (i))))), _mm256_permute_ps(factor, (i) % 4 * 0x55), total)

FN float dot_q6_k(const uint8_t *w, const int8_t *x, const float *scale, const float *sum, int64_t k) {
  const __m256i nibble = _mm256_set1_epi8(15), two = _mm256_set1_epi8(48);
  __m256 total = _mm256_setzero_ps(), shift = _mm256_setzero_ps();
  for (; k > 0; k -= 256, w += 210, x += 256, scale += 8, sum += 16) {
    prefetch_block(w, 210);
    __m256 s[2], here = _mm256_setzero_ps(), there = _mm256_setzero_ps();
    sixteen_evens_first(_mm_loadu_si128((const void *)(w + 192)), s);
    __m256 d = _mm256_set1_ps(half_at(w + 208));
    __m256 shifts = _mm256_fmadd_ps(s[1], evens_first(sum + 8), _mm256_mul_ps(s[0], evens_first(sum)));
#define HALF(h) { \
    __m256i l0 = _mm256_loadu_si256((const void *)(w + 64 * h)), l1 = _mm256_loadu_si256((const void *)(w + 64 * h + 32)); \
    __m256i b = _mm256_loadu_si256((const void *)(w + 128 + 32 * h)); \
    __m256 factor = with_scales(s[h], scale + 4 * h); \
    __m256i u0 = _mm256_or_si256(_mm256_and_si256(l0, nibble), _mm256_and_si256(_mm256_slli_epi16(b, 4), two)); \
    __m256i u1 = _mm256_or_si256(_mm256_and_si256(l1, nibble), _mm256_and_si256(_mm256_slli_epi16(b, 2), two)); \
    __m256i u2 = _mm256_or_si256(_mm256_and_si256(_mm256_srli_epi16(l0, 4), nibble), _mm256_and_si256(b, two)); \
    __m256i u3 = _mm256_or_si256(_mm256_and_si256(_mm256_srli_epi16(l1, 4), nibble), _mm256_and_si256(_mm256_srli_epi16(b, 2), two)); \
    AV_SUBS(4 * h, u0, factor, here); AV_SUBS(4 * h + 1, u1, factor, there); AV_SUBS(4 * h + 2, u2, factor, here); AV_SUBS(4 * h + 3, u3, factor, there); }
    HALF(0) HALF(1)
#undef HALF
    total = _mm256_fmadd_ps(d, _mm256_add_ps(here, there), total);
    shift = _mm256_fmadd_ps(d, shifts, shift);
  }
  return sum_lanes(_mm256_fnmadd_ps(shift, _mm256_set1_ps(32), total));
}

FN float dot_q2_k(const uint8_t *w, const int8_t *x, const float *scale, const float *sum, int64_t k) {
  const __m256i two = _mm256_set1_epi8(3);
  __m256 total = _mm256_setzero_ps(), shift = _mm256_setzero_ps();
  for (; k > 0; k -= 256, w += 84, x += 256, scale += 8, sum += 16) {
    prefetch_block(w, 84);
    __m128i both = _mm_loadu_si128((const void *)w), nibble = _mm_set1_epi8(15);
    __m256 s[2], least[2], here = _mm256_setzero_ps(), there = _mm256_setzero_ps();
    sixteen_evens_first(_mm_and_si128(both, nibble), s);
    sixteen_evens_first(_mm_and_si128(_mm_srli_epi16(both, 4), nibble), least);
    __m256 shifts = _mm256_fmadd_ps(least[1], evens_first(sum + 8), _mm256_mul_ps(least[0], evens_first(sum)));
#define HALF(h) { \
    __m256i raw = _mm256_loadu_si256((const void *)(w + 16 + 32 * h)); \
    __m256 factor = with_scales(s[h], scale + 4 * h); \
    AV_SUBS(4 * h, _mm256_and_si256(raw, two), factor, here); \
    AV_SUBS(4 * h + 1, _mm256_and_si256(_mm256_srli_epi16(raw, 2), two), factor, there); \
    AV_SUBS(4 * h + 2, _mm256_and_si256(_mm256_srli_epi16(raw, 4), two), factor, here); \
    AV_SUBS(4 * h + 3, _mm256_and_si256(_mm256_srli_epi16(raw, 6), two), factor, there); }
    HALF(0) HALF(1)
#undef HALF
    total = _mm256_fmadd_ps(_mm256_set1_ps(half_at(w + 80)), _mm256_add_ps(here, there), total);
    shift = _mm256_fmadd_ps(_mm256_set1_ps(half_at(w + 82)), shifts, shift);
  }
  return sum_lanes(_mm256_sub_ps(total, shift));
}

FN float dot_q3_k(const uint8_t *w, const int8_t *x, const float *scale, const float *sum, int64_t k) {
  const __m256i two = _mm256_set1_epi8(3), four = _mm256_set1_epi8(4);
  __m256 total = _mm256_setzero_ps(), shift = _mm256_setzero_ps();
  for (; k > 0; k -= 256, w += 110, x += 256, scale += 8, sum += 16) {
    prefetch_block(w, 110);
    int8_t scales[16];
    unpack_scales_q3_k(w + 96, scales);
    __m256 s[2], here = _mm256_setzero_ps(), there = _mm256_setzero_ps();
    sixteen_evens_first(_mm_loadu_si128((const void *)scales), s);
    __m256 d = _mm256_set1_ps(half_at(w + 108));
    __m256 shifts = _mm256_fmadd_ps(s[1], evens_first(sum + 8), _mm256_mul_ps(s[0], evens_first(sum)));
    __m256i high = _mm256_loadu_si256((const void *)w);
#define BITS(i, shift2) _mm256_or_si256(_mm256_and_si256(_mm256_srli_epi16(raw, shift2), two), \
      _mm256_and_si256((i) <= 2 ? _mm256_slli_epi16(high, (i) <= 2 ? 2 - (i) : 0) : _mm256_srli_epi16(high, (i) > 2 ? (i) - 2 : 0), four))
#define HALF(h) { \
    __m256i raw = _mm256_loadu_si256((const void *)(w + 32 + 32 * h)); \
    __m256 factor = with_scales(s[h], scale + 4 * h); \
    AV_SUBS(4 * h, BITS(4 * h, 0), factor, here); AV_SUBS(4 * h + 1, BITS(4 * h + 1, 2), factor, there); \
    AV_SUBS(4 * h + 2, BITS(4 * h + 2, 4), factor, here); AV_SUBS(4 * h + 3, BITS(4 * h + 3, 6), factor, there); }
    HALF(0) HALF(1)
#undef HALF
#undef BITS
    total = _mm256_fmadd_ps(d, _mm256_add_ps(here, there), total);
    shift = _mm256_fmadd_ps(d, shifts, shift);
  }
  return sum_lanes(_mm256_fnmadd_ps(shift, _mm256_set1_ps(4), total));
}
#undef AV_SUBS
