// The numbers of 256 elements as eight vectors of unsigned bytes, in the order in which activations are arranged for few rows.
//
// Counting blocks of 32, vector 2p has the first sixteen elements of blocks p and p + 4, one in each half, and vector 2p + 1 their last
// sixteen. All types come to this by shifts and masks alone: blocks of four or five bits have their first and last sixteen in one byte, and
// what K types pack together lies in the same place of both halves. 256 bits at every level above the portable one.
#pragma once
#include "activations_level.h"

FN __m256i two_halves(const void *low, const void *high) {
  return _mm256_inserti128_si256(_mm256_castsi128_si256(_mm_loadu_si128(low)), _mm_loadu_si128(high), 1);
}
FN __m256i both_halves(const void *p) { return _mm256_broadcastsi128_si256(_mm_loadu_si128(p)); }
FN __m256i low_nibbles(__m256i v) { return _mm256_and_si256(v, _mm256_set1_epi8(15)); }
FN __m256i high_nibbles(__m256i v) { return low_nibbles(_mm256_srli_epi16(v, 4)); }
/// Bits `from`... of each byte moved to `to`..., those of `mask` kept. Both are constants.
FN __m256i move_bits(__m256i v, const int from, const int to, const int mask) {
  __m256i moved = from > to ? _mm256_srli_epi16(v, from > to ? from - to : 0) : from < to ? _mm256_slli_epi16(v, from < to ? to - from : 0) : v;
  return _mm256_and_si256(moved, _mm256_set1_epi8((char)mask));
}
/// Sixteen bytes with a bit for each of eight blocks: bit p has that of block p in the lower half, of p + 4 in the upper.
FN __m256i bits_of_blocks(const void *p) { return _mm256_srlv_epi32(both_halves(p), _mm256_setr_epi32(0, 0, 0, 0, 4, 4, 4, 4)); }

/// Bits `first`...`first + 15` of a 32-bit word of each half, as bytes of 16 or 0.
FN __m256i fifth_bits(__m256i words, const int first) {
  const __m256i bytes = _mm256_setr_epi8(0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1);
  const __m256i bit = _mm256_set1_epi64x((long long)0x8040201008040201ull);
  __m256i spread = _mm256_shuffle_epi8(words, _mm256_add_epi8(bytes, _mm256_set1_epi8((char)(first / 8))));
  return _mm256_and_si256(_mm256_cmpeq_epi8(_mm256_and_si256(spread, bit), bit), _mm256_set1_epi8(16));
}

/// Eight blocks of four bits, or five.
FN void numbers_legacy(av_dtype type, const uint8_t *w, __m256i u[8]) {
  const bool five = type == AV_Q5_0 || type == AV_Q5_1;
  const int bytes = (int)av_block_bytes(type), head = has_minimum(type) ? 4 : 2, quants = head + (five ? 4 : 0);
  UNROLL for (int p = 0; p < 4; p++) {
    const uint8_t *low = w + p * bytes, *high = low + 4 * bytes;
    __m256i raw = two_halves(low + quants, high + quants);
    u[2 * p] = low_nibbles(raw);
    u[2 * p + 1] = high_nibbles(raw);
    if (!five) continue;
    int32_t a, b;
    memcpy(&a, low + head, 4);
    memcpy(&b, high + head, 4);
    __m256i words = _mm256_blend_epi32(_mm256_set1_epi32(a), _mm256_set1_epi32(b), 0xf0);
    u[2 * p] = _mm256_or_si256(u[2 * p], fifth_bits(words, 0));
    u[2 * p + 1] = _mm256_or_si256(u[2 * p + 1], fifth_bits(words, 16));
  }
}

FN void numbers_q4_k(bool five, const uint8_t *w, __m256i u[8]) {
  const uint8_t *q = w + (five ? 48 : 16);
  UNROLL for (int e = 0; e < 2; e++) {
    __m256i high = five ? bits_of_blocks(w + 16 + 16 * e) : _mm256_setzero_si256();
    UNROLL for (int p = 0; p < 4; p++) {
      __m256i raw = two_halves(q + 32 * (p / 2) + 16 * e, q + 32 * (p / 2) + 64 + 16 * e);
      u[2 * p + e] = p % 2 ? high_nibbles(raw) : low_nibbles(raw);
      if (five) u[2 * p + e] = _mm256_or_si256(u[2 * p + e], move_bits(high, p, 4, 16));
    }
  }
}

FN void numbers_q6_k(const uint8_t *w, __m256i u[8]) {
  UNROLL for (int e = 0; e < 2; e++) {
    __m256i two = two_halves(w + 128 + 16 * e, w + 160 + 16 * e);
    UNROLL for (int p = 0; p < 4; p++) {
      __m256i four = two_halves(w + 32 * (p % 2) + 16 * e, w + 32 * (p % 2) + 64 + 16 * e);
      u[2 * p + e] = _mm256_or_si256(p / 2 ? high_nibbles(four) : low_nibbles(four), move_bits(two, 2 * p, 4, 48));
    }
  }
}

/// Numbers of blocks 1 and 5 are four times too large, those of 2, 3, 6 and 7 sixteen times: their products fit 16 bits, and sums are moved
/// down later, of which there are fewer.
FN void numbers_q2_k(const uint8_t *w, __m256i u[8]) {
  UNROLL for (int e = 0; e < 2; e++) {
    __m256i raw = two_halves(w + 16 + 16 * e, w + 48 + 16 * e);
    u[e] = move_bits(raw, 0, 0, 3);
    u[2 + e] = move_bits(raw, 0, 0, 12);
    u[4 + e] = move_bits(raw, 0, 0, 48);
    u[6 + e] = move_bits(raw, 2, 0, 48);
  }
}
/// A third bit: those of blocks 0 and 2, and of 1 and 3, are looked up above two bits of each that lie four apart.
FN void numbers_q3_k(const uint8_t *w, __m256i u[8]) {
  const __m256i even = both_halves((const uint8_t[]){0, 4, 0, 4, 64, 68, 64, 68, 0, 4, 0, 4, 64, 68, 64, 68});
  const __m256i odd = both_halves((const uint8_t[]){0, 0, 4, 4, 0, 0, 4, 4, 64, 64, 68, 68, 64, 64, 68, 68});
  UNROLL for (int e = 0; e < 2; e++) {
    __m256i raw = two_halves(w + 32 + 16 * e, w + 64 + 16 * e), high = low_nibbles(bits_of_blocks(w + 16 * e));
    __m256i a = _mm256_or_si256(move_bits(raw, 0, 0, 0x33), _mm256_shuffle_epi8(even, high));
    __m256i b = _mm256_or_si256(move_bits(raw, 2, 0, 0x33), _mm256_shuffle_epi8(odd, high));
    u[e] = move_bits(a, 0, 0, 7);
    u[2 + e] = move_bits(b, 0, 0, 7);
    u[4 + e] = move_bits(a, 4, 0, 7);
    u[6 + e] = move_bits(b, 4, 0, 7);
  }
}

FN void numbers(av_dtype type, const uint8_t *w, __m256i u[8]) {
  switch (type) {
  case AV_Q2_K: numbers_q2_k(w, u); break;
  case AV_Q3_K: numbers_q3_k(w, u); break;
  case AV_Q4_K: numbers_q4_k(false, w, u); break;
  case AV_Q5_K: numbers_q4_k(true, w, u); break;
  case AV_Q6_K: numbers_q6_k(w, u); break;
  default: numbers_legacy(type, w, u);
  }
}
