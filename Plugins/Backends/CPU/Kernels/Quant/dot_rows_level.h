// Dot products of a weight row with up to four rows of activations, for which its blocks are unpacked once.
#pragma once
#include "products_level.h"

enum { dot_rows_most = 4, dot_ahead = 1024 };  // bytes prefetched ahead of the blocks

#ifndef getpf
#define getpf 1
#endif
FN void prefetch_bytes(const uint8_t *w, const int bytes) { if(getpf)UNROLL for (int line = 0; line < bytes; line += 64) __builtin_prefetch(w + dot_ahead + line); }

/// Puts a row's numbers in the order in which `numbers` gives the weights', 256 at a time, and sums sixteen each for types with scales of whole numbers.
static void arrange(av_dtype type, int64_t k, int8_t *q, int16_t *sums) {
  if (type == AV_Q8_0) return;
  for (; k >= 256; k -= 256, q += 256, sums += 16) {
    __m128i v[16];
    memcpy(v, q, 256);
    UNROLL for (int i = 0; i < 16; i++) {
      // Block i / 2's half i % 2 goes to the lower or upper half of a vector.
      _mm_storeu_si128((__m128i *)q + 4 * (i / 2 % 4) + 2 * (i % 2) + i / 8, v[i]);
      __m128i four = _mm_madd_epi16(_mm_maddubs_epi16(_mm_set1_epi8(1), v[i]), _mm_set1_epi16(1));
      four = _mm_add_epi32(four, _mm_shuffle_epi32(four, 0x4e));
      sums[i] = (int16_t)(_mm_cvtsi128_si32(four) + _mm_extract_epi32(four, 1));
    }
  }
}

/// Rows of one or four or five bits with a scale for 32: blocks of 32 by eights, then one by one.
FN void dot_blocks(av_dtype type, const int rows, const uint8_t *w, const av_activations *x, int64_t k, float *out, int64_t out_row) {
  const bool super = av_block_elements(type) == 256, same = offset_of(type) > 0;
  const int bytes = (int)av_row_bytes(type, 256);
  __m256 total[dot_rows_most], shift[dot_rows_most];
  UNROLL for (int r = 0; r < rows; r++) total[r] = shift[r] = _mm256_setzero_ps();
  int64_t at = 0;
  for (; at + 256 <= k; at += 256, w += bytes) {
    prefetch_bytes(w, bytes);
    __m256i u[8];
    __m256 d, m;
    numbers(type, w, u);
    factors(type, w, &d, &m);
    UNROLL for (int r = 0; r < rows; r++) {
      __m256 found = _mm256_cvtepi32_ps(block_sums(type, u, x->q + r * x->q_row + at));
      total[r] = _mm256_fmadd_ps(found, _mm256_mul_ps(d, _mm256_loadu_ps(x->scale + r * x->scale_row + at / 32)), total[r]);
      shift[r] = _mm256_fmadd_ps(m, _mm256_loadu_ps(x->sum + r * x->sum_row + at / 32), shift[r]);
    }
  }
  float offset = same ? (float)offset_of(type) : 1;
  UNROLL for (int r = 0; r < rows; r++) out[r * out_row] = sum_lanes(_mm256_fnmadd_ps(shift[r], _mm256_set1_ps(offset), total[r]));
  if (super || at == k) return;
  UNROLL for (int r = 0; r < rows; r++)
    out[r * out_row] += dot_unpacked(type, w, x->q + r * x->q_row + at, x->scale + r * x->scale_row + at / 32, x->sum + r * x->sum_row + at / 32, k - at);
}

/// Rows of blocks with scales of whole numbers for 16.
FN void dot_sixteens(av_dtype type, const int rows, const uint8_t *w, const av_activations *x, int64_t k, float *out, int64_t out_row) {
  const int bytes = (int)av_block_bytes(type);
  __m256 total[dot_rows_most], shift[dot_rows_most];
  UNROLL for (int r = 0; r < rows; r++) total[r] = shift[r] = _mm256_setzero_ps();
  for (int64_t at = 0; at < k; at += 256, w += bytes) {
    prefetch_bytes(w, bytes);
    __m256i u[8], scale, minimum;
    numbers(type, w, u);
    whole_factors(type, w, &scale, &minimum);
    __m256 d = half_everywhere(w + (type == AV_Q2_K ? 80 : type == AV_Q3_K ? 108 : 208)), least = _mm256_setzero_ps();
    if (type == AV_Q2_K) least = half_everywhere(w + 82);
    UNROLL for (int r = 0; r < rows; r++) {
      const int16_t *sums = x->whole + r * x->whole_row + at / 16;
      __m256 step = _mm256_loadu_ps(x->scale + r * x->scale_row + at / 32);
      __m256i found = scaled_block_sums(offset_of(type), u, scale, x->q + r * x->q_row + at, sums);
      total[r] = _mm256_fmadd_ps(_mm256_cvtepi32_ps(found), _mm256_mul_ps(d, step), total[r]);
      if (type == AV_Q2_K) shift[r] = _mm256_fmadd_ps(_mm256_cvtepi32_ps(_mm256_madd_epi16(minimum, _mm256_loadu_si256((const void *)sums))), _mm256_mul_ps(least, step), shift[r]);
    }
  }
  UNROLL for (int r = 0; r < rows; r++) out[r * out_row] = sum_lanes(_mm256_sub_ps(total[r], shift[r]));
}

/// Signed bytes: the sign of the weight moves to the activation.
FN void dot_q8_0(const int rows, const uint8_t *w, const av_activations *x, int64_t k, float *out, int64_t out_row) {
  __m256 total[dot_rows_most][2];
  UNROLL for (int r = 0; r < rows; r++) total[r][0] = total[r][1] = _mm256_setzero_ps();
  int64_t b = 0;
#define BLOCK(r, p, factor, total) { \
  __m256i v = _mm256_loadu_si256((const void *)(w + (p) * 34 + 2)), y = _mm256_loadu_si256((const void *)(x->q + (r) * x->q_row + (b + (p)) * 32)); \
  __m256i found = dot_bytes(_mm256_abs_epi8(v), _mm256_sign_epi8(y, v)); \
  total = _mm256_fmadd_ps(_mm256_cvtepi32_ps(found), _mm256_set1_ps(factor), total); }
  for (; b + 8 <= k / 32; b += 8, w += 8 * 34) {
    prefetch_bytes(w, 8 * 34);
    __m256 d = eight_halves(w, 34);
    float factor[dot_rows_most][8];
    UNROLL for (int r = 0; r < rows; r++) _mm256_storeu_ps(factor[r], _mm256_mul_ps(d, _mm256_loadu_ps(x->scale + r * x->scale_row + b)));
    UNROLL for (int p = 0; p < 8; p++) UNROLL for (int r = 0; r < rows; r++) BLOCK(r, p, factor[r][p], total[r][p % 2])
  }
  for (; b < k / 32; b++, w += 34)
    UNROLL for (int r = 0; r < rows; r++) {
      float factor = half_at(w) * x->scale[r * x->scale_row + b];
      BLOCK(r, 0, factor, total[r][0])
    }
#undef BLOCK
  UNROLL for (int r = 0; r < rows; r++) out[r * out_row] = sum_lanes(_mm256_add_ps(total[r][0], total[r][1]));
}

FN void dot_rows(av_dtype type, const int rows, const uint8_t *w, const av_activations *x, int64_t k, float *out, int64_t out_row) {
  if (type == AV_Q8_0) dot_q8_0(rows, w, x, k, out, out_row);
  else if (sub_of(type) == 16) dot_sixteens(type, rows, w, x, k, out, out_row);
  else dot_blocks(type, rows, w, x, k, out, out_row);
}

FN void dots_typed(av_dtype type, const av_activations *all, int64_t m, int64_t k, const uint8_t *w, int64_t row, int64_t count, float *out, int64_t out_row) {
  for (int64_t i = 0; i < m; i += dot_rows_most) {
    av_activations x = *all;
    x.q += i * x.q_row; x.scale += i * x.scale_row; x.sum += i * x.sum_row; x.whole += i * x.whole_row;
    float *to = out + i * out_row;
#define ROWS(n) for (int64_t c = 0; c < count; c++) dot_rows(type, n, w + c * row, &x, k, to + c, out_row)
    switch (m - i) {
    case 1: ROWS(1); break;
    case 2: ROWS(2); break;
    case 3: ROWS(3); break;
    default: ROWS(4);
    }
#undef ROWS
  }
}
