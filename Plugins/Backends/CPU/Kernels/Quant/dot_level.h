// Few rows: dot products of one row of blocks, as it lies in the file, with rows of activations. Reading the weights is what takes the
// time, so that all must be done in less than the four cycles in which 18 bytes arrive.
#pragma once
#include "activations_level.h"

/// Any type, any length: one sub-block after another, unpacked first.
FN float dot_unpacked(av_dtype type, const uint8_t *w, const int8_t *q, const float *scale, const float *sum, int64_t k) {
  enum { piece = 256 };
  uint8_t u[piece];
  float d[piece / 16], m[piece / 16], total = 0;
  const int sub = (int)sub_of(type);
  for (int64_t at = 0; at < k; at += piece) {
    int64_t n = k - at < piece ? k - at : piece;
    unpack(type, w + av_row_bytes(type, at), n, u, d, m, 1);
    for (int64_t s = 0; s < n / sub; s++) {
      int32_t found = 0;
      int64_t first = at + s * sub;
#ifdef AV_VNNI
      for (int i = 0; i < sub; i++) found += (int32_t)u[s * sub + i] * q[first + i];
#else
      for (int i = 0; i < sub; i++) found += (int32_t)(int8_t)u[s * sub + i] * q[first + i];  // only Q8_0 has the sign bit
#endif
      total += (float)found * (d[s] * scale[first / 32]);
      if (type != AV_Q8_0 || offset_of(type) > 0) total -= m[s] * sum[first / sub];
    }
  }
  return total;
}

#if AV_LEVEL > 0
#include "dot_rows_level.h"
#else
static void arrange(av_dtype type, int64_t k, int8_t *q, int16_t *sums) {}

FN void dots_typed(av_dtype type, const av_activations *x, int64_t m, int64_t k, const uint8_t *w, int64_t row, int64_t count, float *out, int64_t out_row) {
  for (int64_t c = 0; c < count; c++)
    for (int64_t i = 0; i < m; i++)
      out[i * out_row + c] = dot_unpacked(type, w + c * row, x->q + i * x->q_row, x->scale + i * x->scale_row, x->sum + i * x->sum_row, k);
}
#endif

static void dots_quantised(av_dtype type, const av_activations *x, int64_t m, int64_t k, const void *w, int64_t row, int64_t count, float *out, int64_t out_row) {
#define CALL(t) dots_typed(t, x, m, k, w, row, count, out, out_row)
  FOR_TYPE(type, CALL)
#undef CALL
}

/// Weights dequantised a piece at a time, activations as they are: for checking, and where precision matters more than speed.
static void exact_dots(av_dtype type, const float *x, int64_t ldx, int64_t m, int64_t k, const void *w, int64_t row, int64_t count, float *out,
                       int64_t out_row) {
  enum { piece = 256 };
  float y[piece];
  for (int64_t c = 0; c < count; c++) {
    for (int64_t i = 0; i < m; i++) out[i * out_row + c] = 0;
    for (int64_t at = 0; at < k; at += piece) {
      int64_t n = k - at < piece ? k - at : piece;
      dequantize(type, (const uint8_t *)w + c * row + av_row_bytes(type, at), n, y);
      for (int64_t i = 0; i < m; i++) {
        vf sum = v_set(0);
        for (int64_t e = 0; e < n; e += W) sum = v_fma(v_load(x + i * ldx + at + e), v_load(y + e), sum);
        out[i * out_row + c] += v_sum(sum);
      }
    }
  }
}
