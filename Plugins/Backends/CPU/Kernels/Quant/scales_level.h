// The scales of 256 elements, for few rows: eight floats, one for each 32 elements, or sixteen whole numbers, one for each 16.
#pragma once
#include "numbers_level.h"

/// Eight half-precision numbers `step` bytes apart, as floats. Word i of a vector that begins 2i bytes before the i-th is that one: a blend
/// goes through any pipe, an insertion through two of the four.
FN __m256 eight_halves(const uint8_t *w, const int step) {
  __m128i v[8];
  UNROLL for (int i = 0; i < 8; i++) v[i] = _mm_loadu_si128((const void *)(w + i * (step - 2)));
  __m128i a = _mm_blend_epi16(_mm_blend_epi16(v[0], v[1], 2), _mm_blend_epi16(v[2], v[3], 8), 12);
  __m128i b = _mm_blend_epi16(_mm_blend_epi16(v[4], v[5], 32), _mm_blend_epi16(v[6], v[7], 128), 192);
  return _mm256_cvtph_ps(_mm_blend_epi16(a, b, 240));
}
/// The half-precision number at `p` in all lanes.
FN __m256 half_everywhere(const uint8_t *p) { return _mm256_set1_ps(half_at(p)); }

/// The factors d and shifts m of eight blocks of 32: w = d * u - m.
FN void factors(av_dtype type, const uint8_t *w, __m256 *d, __m256 *m) {
  const int bytes = (int)av_block_bytes(type);
  if (type == AV_Q4_K || type == AV_Q5_K) {
    // Six bits each in twelve bytes: of the last four scales and minima, the two high bits are above the first four's.
    __m128i head = _mm_loadu_si128((const void *)w);
    __m128i low = _mm_shuffle_epi8(head, _mm_setr_epi8(4, 5, 6, 7, 12, 13, 14, 15, 8, 9, 10, 11, 12, 13, 14, 15));
    __m128i high = _mm_shuffle_epi8(head, _mm_setr_epi8(-1, -1, -1, -1, 4, 5, 6, 7, -1, -1, -1, -1, 8, 9, 10, 11));
    low = _mm_and_si128(_mm_srlv_epi32(low, _mm_setr_epi32(0, 0, 0, 4)), _mm_setr_epi32(0x3f3f3f3f, 0x0f0f0f0f, 0x3f3f3f3f, 0x0f0f0f0f));
    __m128i both = _mm_or_si128(low, _mm_and_si128(_mm_srli_epi32(high, 2), _mm_set1_epi8(48)));
    __m128 all = _mm_cvtph_ps(head);
    *d = _mm256_mul_ps(_mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(both)), _mm256_broadcastss_ps(all));
    *m = _mm256_mul_ps(_mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(_mm_srli_si128(both, 8))), _mm256_broadcastss_ps(_mm_movehdup_ps(all)));
    return;
  }
  *d = eight_halves(w, bytes);
  if (type == AV_Q4_1 || type == AV_Q5_1) *m = _mm256_xor_ps(eight_halves(w + 2, bytes), _mm256_set1_ps(-0.0f));
  else *m = *d;  // the offset is the same for all, and multiplies their sum
}

/// Scales and, in Q2_K, minima of sixteen sub-blocks of 16, in 16 bits.
FN void whole_factors(av_dtype type, const uint8_t *w, __m256i *scale, __m256i *minimum) {
  const __m128i nibble = _mm_set1_epi8(15);
  if (type == AV_Q6_K) {
    *scale = _mm256_cvtepi8_epi16(_mm_loadu_si128((const void *)(w + 192)));
  } else if (type == AV_Q2_K) {
    __m128i both = _mm_loadu_si128((const void *)w);
    *scale = _mm256_cvtepu8_epi16(_mm_and_si128(both, nibble));
    *minimum = _mm256_cvtepu8_epi16(_mm_and_si128(_mm_srli_epi16(both, 4), nibble));
  } else {
    // Q3_K: four low bits of all in eight bytes, two high bits in four more; less 32.
    __m128i raw = _mm_loadu_si128((const void *)(w + 94));
    __m128i low = _mm_shuffle_epi8(raw, _mm_setr_epi8(2, 3, 4, 5, 6, 7, 8, 9, 2, 3, 4, 5, 6, 7, 8, 9));
    __m128i high = _mm_shuffle_epi8(raw, _mm_setr_epi8(10, 11, 12, 13, 10, 11, 12, 13, 10, 11, 12, 13, 10, 11, 12, 13));
    low = _mm_and_si128(_mm_srlv_epi32(low, _mm_setr_epi32(0, 0, 4, 4)), nibble);
    high = _mm_and_si128(_mm_slli_epi32(_mm_srlv_epi32(high, _mm_setr_epi32(0, 2, 4, 6)), 4), _mm_set1_epi8(48));
    *scale = _mm256_cvtepi8_epi16(_mm_sub_epi8(_mm_or_si128(low, high), _mm_set1_epi8(32)));
  }
}
