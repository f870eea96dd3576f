// Dot products of a few weight rows with a few rows of activations.
//
// One row of activations is bound by reading: weight rows that lie a part of all apart are read side by side, each a stream that goes
// on in the row that follows, so that what is asked for ahead is never beyond a row's end. On Zen 3 one stream alone reads a fifth less than four;
// on Zen 4 four read a fifth less of Q8_0 than two, and as much of the rest.
// More rows of activations are bound by arithmetic, and a weight row is unpacked once for up to four of them.
#pragma once
#include "products_level.h"

// Weight rows, rows of activations, bytes asked for ahead.
#if AV_LEVEL == 2
enum { dot_streams = 2, dot_rows_most = 4, dot_ahead = 2048 };
#else
enum { dot_streams = 4, dot_rows_most = 4, dot_ahead = 1024 };
#endif

/// Weight rows `row` bytes apart and rows of activations: product (c, r) goes to out[c * out_step + r * out_row].
typedef struct {
  const uint8_t *w;
  int64_t row;
  av_activations x;
  int64_t k;
  float *out;
  int64_t out_step, out_row;
} dot_task;

/// Begins with a weight row's next `bytes`. What concerns one row stays together: interleaved by the compiler, rows would not fit the registers.
FN void begin_row(const uint8_t *w, const int bytes) {
  __asm__ volatile("" : : : "memory");
  UNROLL for (int line = 0; line < bytes; line += 64) __builtin_prefetch(w + dot_ahead + line);
}
FN float sum_lanes(__m256 v) {
  __m128 x = _mm_add_ps(_mm256_castps256_ps128(v), _mm256_extractf128_ps(v, 1));
  x = _mm_add_ps(x, _mm_movehl_ps(x, x));
  return _mm_cvtss_f32(_mm_add_ss(x, _mm_movehdup_ps(x)));
}

/// Puts a row's numbers in the order in which `numbers` gives the weights', 256 at a time, and sums sixteens for types that scale them.
static void arrange(av_dtype type, int64_t k, int8_t *q, int16_t *sums) {
  if (type == AV_Q8_0) return;
  for (; k >= 256; k -= 256, q += 256, sums += 16) {
    __m128i v[16];
    memcpy(v, q, 256);
    UNROLL for (int i = 0; i < 16; i++) _mm_storeu_si128((__m128i *)q + 4 * (i / 2 % 4) + 2 * (i % 2) + i / 8, v[i]);
    if (sub_of(type) != 16) continue;
    UNROLL for (int i = 0; i < 16; i++) {
      __m128i four = _mm_madd_epi16(_mm_maddubs_epi16(_mm_set1_epi8(1), v[i]), _mm_set1_epi16(1));
      four = _mm_add_epi32(four, _mm_shuffle_epi32(four, 0x4e));
      sums[i] = (int16_t)(_mm_cvtsi128_si32(four) + _mm_extract_epi32(four, 1));
    }
  }
}

/// Four or five bits with a scale for 32: blocks by eights, and what remains of legacy types one by one.
FN void dot_blocks(av_dtype type, const int weights, const int rows, const dot_task *t) {
  const int bytes = (int)av_row_bytes(type, 256);
  const float offset = offset_of(type) > 0 ? (float)offset_of(type) : 1;
  const av_activations x = t->x;
  const uint8_t *w = t->w;
  const int64_t k = t->k, row = t->row;
  __m256 total[dot_streams][dot_rows_most], shift[dot_streams][dot_rows_most];
  UNROLL for (int c = 0; c < weights; c++) UNROLL for (int r = 0; r < rows; r++) total[c][r] = shift[c][r] = _mm256_setzero_ps();
  int64_t at = 0;
  for (; at + 256 <= k; at += 256, w += bytes) {
    UNROLL for (int c = 0; c < weights; c++) {
      __m256i u[8];
      __m256 d, m;
      begin_row(w + c * row, bytes);
      numbers(type, w + c * row, u);
      factors(type, w + c * row, &d, &m);
      UNROLL for (int r = 0; r < rows; r++) {
        __m256 found = _mm256_cvtepi32_ps(block_sums(type, u, x.q + r * x.q_row + at));
        total[c][r] = _mm256_fmadd_ps(found, _mm256_mul_ps(d, _mm256_loadu_ps(x.scale + r * x.scale_row + at / 32)), total[c][r]);
        shift[c][r] = _mm256_fmadd_ps(m, _mm256_loadu_ps(x.sum + r * x.sum_row + at / 32), shift[c][r]);
      }
    }
  }
  UNROLL for (int c = 0; c < weights; c++) UNROLL for (int r = 0; r < rows; r++) {
    float y = sum_lanes(_mm256_fnmadd_ps(shift[c][r], _mm256_set1_ps(offset), total[c][r]));
    if (av_block_elements(type) == 32 && at < k)
      y += dot_unpacked(type, w + c * row, x.q + r * x.q_row + at, x.scale + r * x.scale_row + at / 32, x.sum + r * x.sum_row + at / 32, k - at);
    t->out[c * t->out_step + r * t->out_row] = y;
  }
}

/// Two, three or six bits with scales of whole numbers for 16.
FN void dot_sixteens(av_dtype type, const int weights, const int rows, const dot_task *t) {
  const int bytes = (int)av_block_bytes(type), all = type == AV_Q2_K ? 80 : bytes - 2;
  const av_activations x = t->x;
  const uint8_t *w = t->w;
  const int64_t row = t->row;
  __m256 total[dot_streams][dot_rows_most];
  UNROLL for (int c = 0; c < weights; c++) UNROLL for (int r = 0; r < rows; r++) total[c][r] = _mm256_setzero_ps();
  for (int64_t at = 0; at < t->k; at += 256, w += bytes) {
    UNROLL for (int c = 0; c < weights; c++) {
      __m256i u[8], scale, minimum;
      const uint8_t *here = w + c * row;
      begin_row(here, bytes);
      numbers(type, here, u);
      whole_factors(type, here, &scale, &minimum);
      const __m256 d = half_everywhere(here + all);
      UNROLL for (int r = 0; r < rows; r++) {
        const int16_t *sums = x.whole + r * x.whole_row + at / 16;
        const __m256 step = _mm256_loadu_ps(x.scale + r * x.scale_row + at / 32);
        __m256 found = _mm256_cvtepi32_ps(scaled_block_sums(type, u, scale, x.q + r * x.q_row + at, sums));
        total[c][r] = _mm256_fmadd_ps(found, _mm256_mul_ps(d, step), total[c][r]);
        if (type != AV_Q2_K) continue;
        __m256 least = _mm256_cvtepi32_ps(_mm256_madd_epi16(minimum, _mm256_loadu_si256((const void *)sums)));
        total[c][r] = _mm256_fnmadd_ps(least, _mm256_mul_ps(half_everywhere(here + 82), step), total[c][r]);
      }
    }
  }
  UNROLL for (int c = 0; c < weights; c++)
    UNROLL for (int r = 0; r < rows; r++) t->out[c * t->out_step + r * t->out_row] = sum_lanes(total[c][r]);
}

/// Signed bytes: the sign of the weight moves to the activation.
FN void dot_q8_0(const int weights, const int rows, const dot_task *t) {
  const av_activations x = t->x;
  const uint8_t *w = t->w;
  const int64_t row = t->row;
  __m256 total[dot_streams][dot_rows_most];
  UNROLL for (int c = 0; c < weights; c++) UNROLL for (int r = 0; r < rows; r++) total[c][r] = _mm256_setzero_ps();
  int64_t b = 0;
#define BLOCK(c, r, p, factor) { \
  __m256i v = _mm256_loadu_si256((const void *)(w + (c) * row + (p) * 34 + 2)); \
  __m256i y = _mm256_loadu_si256((const void *)(x.q + (r) * x.q_row + (b + (p)) * 32)); \
  __m256i found = dot_bytes(_mm256_abs_epi8(v), _mm256_sign_epi8(y, v)); \
  total[c][r] = _mm256_fmadd_ps(_mm256_cvtepi32_ps(found), _mm256_set1_ps(factor), total[c][r]); }
  for (; b + 8 <= t->k / 32; b += 8, w += 8 * 34) {
    float factor[dot_streams][dot_rows_most][8];
    UNROLL for (int c = 0; c < weights; c++) {
      begin_row(w + c * row, 8 * 34);
      __m256 d = eight_halves(w + c * row, 34);
      UNROLL for (int r = 0; r < rows; r++)
        _mm256_storeu_ps(factor[c][r], _mm256_mul_ps(d, _mm256_loadu_ps(x.scale + r * x.scale_row + b)));
    }
    UNROLL for (int p = 0; p < 8; p++) UNROLL for (int c = 0; c < weights; c++) UNROLL for (int r = 0; r < rows; r++) BLOCK(c, r, p, factor[c][r][p])
  }
  for (; b < t->k / 32; b++, w += 34)
    UNROLL for (int c = 0; c < weights; c++) UNROLL for (int r = 0; r < rows; r++) BLOCK(c, r, 0, half_at(w + c * row) * x.scale[r * x.scale_row + b])
#undef BLOCK
  UNROLL for (int c = 0; c < weights; c++)
    UNROLL for (int r = 0; r < rows; r++) t->out[c * t->out_step + r * t->out_row] = sum_lanes(total[c][r]);
}

FN void dot_rows(av_dtype type, const int weights, const int rows, const dot_task *t) {
  if (type == AV_Q8_0) dot_q8_0(weights, rows, t);
  else if (sub_of(type) == 16) dot_sixteens(type, weights, rows, t);
  else dot_blocks(type, weights, rows, t);
}

FN void dots_typed(av_dtype type, const av_activations *all, int64_t m, int64_t k, const uint8_t *w, int64_t row, int64_t count, float *out, int64_t out_row) {
  if (m == 1) {
    const int64_t apart = count / dot_streams;
    for (int64_t c = 0; c < apart; c++) dot_rows(type, dot_streams, 1, &(dot_task){w + c * row, apart * row, *all, k, out + c, apart, out_row});
    for (int64_t c = apart * dot_streams; c < count; c++) dot_rows(type, 1, 1, &(dot_task){w + c * row, row, *all, k, out + c, 1, out_row});
    return;
  }
  for (int64_t i = 0; i < m; i += dot_rows_most) {
    const av_activations x = {
      all->q + i * all->q_row, all->scale + i * all->scale_row, all->sum + i * all->sum_row, all->whole + i * all->whole_row,
      all->q_row, all->scale_row, all->sum_row, all->whole_row,
    };
#define CALL(rows) for (int64_t c = 0; c < count; c++) dot_rows(type, 1, rows, &(dot_task){w + c * row, row, x, k, out + i * out_row + c, 1, out_row})
    switch (m - i) {
    case 1: CALL(1); break;
    case 2: CALL(2); break;
    case 3: CALL(3); break;
    default: CALL(4);
    }
#undef CALL
  }
}
