// Kernels over rows of f32: norms, softmax, rotary embedding, gated units, reductions, selection.
#pragma once
#include "av_linear.h"

/// `rows` rows of `cols` elements; row r starts at `x + r * x_row` and `y + r * y_row`. `y` may be `x`.
typedef struct {
  int64_t rows, cols;
  const float *x;
  int64_t x_row;
  float *y;
  int64_t y_row;
} av_rows;

/// y = (x - mean) / sqrt(variance + epsilon) * weight + bias; weight and bias may be absent.
void av_layer_norm(av_pool *pool, const av_rows *r, av_vector weight, av_vector bias, float epsilon);
/// y = x / sqrt(mean(x^2) + epsilon) * weight; the weight may be absent.
void av_rms_norm(av_pool *pool, const av_rows *r, av_vector weight, float epsilon);
/// x, y [n, channels, inner] contiguous; statistics over each of `groups` groups of channels; weight and bias [channels].
void av_group_norm(av_pool *pool, const float *x, float *y, int64_t n, int64_t channels, int64_t inner, int64_t groups,
                   av_vector weight, av_vector bias, float epsilon);
/// y = exp(x - max) / sum along each row. A row of only -infinity gives zeros.
void av_softmax(av_pool *pool, const av_rows *r);

/// Rotary embedding of x [tokens, heads, head], in place or to y. Pair p of `dims / 2` turns by angle(token, p) = position * inv_freq[p];
/// cos and sin are multiplied by `attention_factor`. Elements past `dims` are copied.
typedef struct {
  int64_t tokens, heads, head, dims;  // dims even, at most head
  const float *x;
  int64_t x_token, x_head;
  float *y;                           // may be x
  int64_t y_token, y_head;
  const int32_t *positions;           // [tokens]
  const float *inv_freq;              // [dims / 2]
  float attention_factor;
  bool interleaved;                   // pairs (2p, 2p + 1) instead of (p, p + dims / 2)
} av_rope_args;
void av_rope(av_pool *pool, const av_rope_args *args);

/// y[r, c] = act(gate[r, c]) * up[r, c]; `gate_row`, `up_row` are the row strides. With SiLU this is SwiGLU.
void av_gated(av_pool *pool, av_activation activation, int64_t rows, int64_t cols, const float *gate, int64_t gate_row,
              const float *up, int64_t up_row, float *y, int64_t y_row);

typedef enum { AV_REDUCE_SUM, AV_REDUCE_MEAN, AV_REDUCE_MAX } av_reduction;
/// y[outer, inner] = reduction over the middle axis of x[outer, count, inner], contiguous. inner = 1 reduces the last axis. Sums are pairwise.
/// count = 0 gives 0 for sums, NaN for means, -infinity for maxima. A maximum over NaN is NaN.
void av_reduce(av_pool *pool, av_reduction kind, const float *x, float *y, int64_t outer, int64_t count, int64_t inner);
/// The index of the largest element along the middle axis, the first where several are equal; NaN counts as the largest.
void av_argmax(av_pool *pool, const float *x, int32_t *y, int64_t outer, int64_t count, int64_t inner);
/// Running sums along the middle axis of x[outer, count, inner]; `y` may be `x`.
void av_cumsum(av_pool *pool, const float *x, float *y, int64_t outer, int64_t count, int64_t inner);
/// The k largest of each row in descending order with their indices (equal values: lower index first; NaN first). k <= cols.
/// Either of `values` and `indices` may be NULL.
void av_top_k(av_pool *pool, const float *x, int64_t x_row, int64_t rows, int64_t cols, int64_t k, float *values, int32_t *indices);
