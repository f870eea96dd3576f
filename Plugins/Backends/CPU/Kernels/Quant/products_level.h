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

/// The same where sixteen share a scale of whole numbers, which multiplies here. What types with an offset have too much, the scales with the
/// sums of the activations alone, is taken away.
FN __m256i scaled_block_sums(av_dtype type, const __m256i u[8], __m256i scale, const int8_t *q, const int16_t *sums) {
  const __m256i *x = (const void *)q;
  __m256i v[8], found;
  UNROLL for (int i = 0; i < 8; i++) v[i] = _mm256_maddubs_epi16(u[i], _mm256_loadu_si256(x + i));
  if (type == AV_Q6_K) {
    // Hidden from the compiler, which would make two shuffles of each that follows.
    __m256i low = _mm256_unpacklo_epi16(scale, scale), high = _mm256_unpackhi_epi16(scale, scale);
    __asm__("" : "+x"(low), "+x"(high));
    __m256i block[4];
#define BLOCK(p, pairs, first, second) \
    block[p] = _mm256_add_epi32(_mm256_madd_epi16(v[2 * p], _mm256_shuffle_epi32(pairs, first)), _mm256_madd_epi16(v[2 * p + 1], _mm256_shuffle_epi32(pairs, second)))
    BLOCK(0, low, 0x00, 0x55);
    BLOCK(1, low, 0xaa, 0xff);
    BLOCK(2, high, 0x00, 0x55);
    BLOCK(3, high, 0xaa, 0xff);
#undef BLOCK
    found = sums_of_four(block);
  } else {
    // The sums of sixteen fit 16 bits, and there is one product with the scales for all.
    __m256i four[4];
    UNROLL for (int p = 0; p < 4; p++) {
      four[p] = add_low_high_32(v[2 * p], v[2 * p + 1], true);
      if (type == AV_Q2_K && p > 0) four[p] = _mm256_srai_epi16(four[p], p == 1 ? 2 : 4);
    }
    __m256i low = add_words(add_low_high_64(four[0], four[1], true)), high = add_words(add_low_high_64(four[2], four[3], true));
    found = _mm256_madd_epi16(_mm256_packs_epi32(low, high), scale);
  }
  if (type == AV_Q2_K) return found;
  __m256i much = _mm256_madd_epi16(scale, _mm256_loadu_si256((const void *)sums));
  return _mm256_sub_epi32(found, _mm256_slli_epi32(much, type == AV_Q6_K ? 5 : 2));
}

/// Sums of four products of bytes, unsigned times signed, to 32 bits.
FN __m256i dot_bytes(__m256i u, __m256i x) {
#ifdef AV_VNNI
  return AV_DPBUSD_256(_mm256_setzero_si256(), u, x);
#else
  return add_words(_mm256_maddubs_epi16(u, x));
#endif
}
