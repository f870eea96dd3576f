// Products: activations with weights, and batched activations with activations.
#pragma once
#include "av_pool.h"

/// What a fused epilogue applies to each element, after the bias.
typedef enum { AV_ACT_NONE, AV_ACT_RELU, AV_ACT_GELU, AV_ACT_GELU_TANH, AV_ACT_QUICK_GELU, AV_ACT_SILU } av_activation;

/// A stored vector (a bias, a norm's scale) of f32, f16 or bf16; `data` NULL means absent.
typedef struct {
  const void *data;
  av_dtype type;
} av_vector;

/// y[m, n] = act(x[m, k] * w[n, k]^T + bias[n]) + residual[m, n].
typedef struct {
  int64_t m, n, k;
  const float *x;         // [m, k], rows `ldx` apart
  int64_t ldx;
  const void *w;          // [n, k] of `wtype` (f32, f16, bf16, or quantised blocks), rows `ldw` apart
  av_dtype wtype;
  int64_t ldw;
  float *y;               // [m, n], rows `ldy` apart
  int64_t ldy;
  av_vector bias;         // [n]
  av_activation activation;
  const float *residual;  // [m, n], rows `ldr` apart, or NULL; may be `y` itself only where there is no activation
  int64_t ldr;
  bool bf16;              // round both factors to bf16 and multiply in bf16 pairs where the processor can (less precise, opt-in); more than 16 rows
  bool exact;             // quantised weights: keep the activations in f32 instead of rounding them to 8 bits, block by block
} av_linear_args;

/// A linear layer. Few rows go through dot products that read the weights once, more through the blocked product.
void av_linear(av_pool *pool, const av_linear_args *args);

/// y[b, i, j] = sum over l of a[b, i, l] * b[b, l, j], any strides; `batch` axes are given by their sizes and strides.
typedef struct {
  int64_t m, n, k;
  const float *a;
  const void *b;
  av_dtype b_type;  // f32, f16 or bf16
  float *y;
  int64_t a_row, a_col, b_row, b_col, y_row;  // y's columns are contiguous
  int32_t batch_rank;                         // 0...6
  int64_t batch[6], a_batch[6], b_batch[6], y_batch[6];
  bool bf16;              // as for a linear layer; more than 16 rows of a batch
} av_matmul_args;

/// A batched product; transposes and broadcasts are strides.
void av_matmul(av_pool *pool, const av_matmul_args *args);
