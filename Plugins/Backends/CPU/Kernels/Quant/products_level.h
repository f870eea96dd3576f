// Products of 256 numbers with the activations that meet them, summed over what shares a scale. Sums stay in 16 bits as long as they fit,
// and eight blocks' sums are gathered in one vector, so that there is one conversion and one multiply-add with scales for all of them.
#pragma once
#include "scales_level.h"

FN __m256i add_low_high_32(__m256i a, __m256i b, bool words) {
  __m256i low = _mm256_unpacklo_epi32(a, b), high = _mm256_unpackhi_epi32(a, b);
  return words ? _mm256_add_epi16(low, high) : _mm256_add_epi32(low, high);
}
FN __m256i add_low_high_64(__m256i a, __m256i b, bool words) {
  __m256i low = _mm256_unpacklo_epi64(a, b), high = _mm256_unpackhi_epi64(a, b);
  return words ? _mm256_add_epi16(low, high) : _mm256_add_epi32(low, high);
}
/// Pairs of 16 bits added, to 32.
FN __m256i add_words(__m256i v) { return _mm256_madd_epi16(v, _mm256_set1_epi16(1)); }
/// Lane p of each half: the sum of that half of v[p], four numbers of 32 bits.
FN __m256i sums_of_four(const __m256i v[4]) { return add_low_high_64(add_low_high_32(v[0], v[1], false), add_low_high_32(v[2], v[3], false), false); }

/// The sums of eight blocks of 32, block i in lane i.
FN __m256i block_sums(av_dtype type, const __m256i u[8], const int8_t *q) {
  const __m256i *x = (const void *)q;
  __m256i v[4];
#ifdef AV_VNNI
  UNROLL for (int p = 0; p < 4; p++)
    v[p] = AV_DPBUSD_256(AV_DPBUSD_256(_mm256_setzero_si256(), u[2 * p], _mm256_loadu_si256(x + 2 * p)), u[2 * p + 1], _mm256_loadu_si256(x + 2 * p + 1));
  return sums_of_four(v);
#else
  UNROLL for (int p = 0; p < 4; p++)
    v[p] = _mm256_add_epi16(_mm256_maddubs_epi16(u[2 * p], _mm256_loadu_si256(x + 2 * p)), _mm256_maddubs_epi16(u[2 * p + 1], _mm256_loadu_si256(x + 2 * p + 1)));
  // Four products of numbers up to 15 are below 7621, so that four such sums fit; of numbers up to 31, two.
  const bool five = type == AV_Q5_0 || type == AV_Q5_1 || type == AV_Q5_K;
  __m256i a = add_low_high_32(v[0], v[1], true), b = add_low_high_32(v[2], v[3], true);
  return five ? add_low_high_64(add_words(a), add_words(b), false) : add_words(add_low_high_64(a, b, true));
#endif
}

/// The same where sixteen share a scale of whole numbers, which multiplies here; from it is taken `offset` times what the scales make of the
/// sums of the activations alone.
FN __m256i scaled_block_sums(const int offset, const __m256i u[8], __m256i scale, const int8_t *q, const int16_t *sums) {
  const __m256i *x = (const void *)q;
  __m256i v[4];
  UNROLL for (int p = 0; p < 4; p++) {
    const __m256i even = _mm256_set1_epi16((short)(4 * p | (4 * p + 1) << 8)), odd = _mm256_set1_epi16((short)(4 * p + 2 | (4 * p + 3) << 8));
    __m256i a = _mm256_maddubs_epi16(u[2 * p], _mm256_loadu_si256(x + 2 * p)), b = _mm256_maddubs_epi16(u[2 * p + 1], _mm256_loadu_si256(x + 2 * p + 1));
    v[p] = _mm256_add_epi32(_mm256_madd_epi16(a, _mm256_shuffle_epi8(scale, even)), _mm256_madd_epi16(b, _mm256_shuffle_epi8(scale, odd)));
  }
  __m256i found = sums_of_four(v);
  if (offset == 0) return found;
  __m256i taken = _mm256_madd_epi16(scale, _mm256_loadu_si256((const void *)sums));
  return _mm256_sub_epi32(found, _mm256_slli_epi32(taken, offset == 32 ? 5 : 2));
}

/// Sums of four products of bytes, unsigned times signed, to 32 bits.
FN __m256i dot_bytes(__m256i u, __m256i x) {
#ifdef AV_VNNI
  return AV_DPBUSD_256(_mm256_setzero_si256(), u, x);
#else
  return add_words(_mm256_maddubs_epi16(u, x));
#endif
}
FN float sum_lanes(__m256 v) {
  __m128 x = _mm_add_ps(_mm256_castps256_ps128(v), _mm256_extractf128_ps(v, 1));
  x = _mm_add_ps(x, _mm_movehl_ps(x, x));
  return _mm_cvtss_f32(_mm_add_ss(x, _mm_movehdup_ps(x)));
}
