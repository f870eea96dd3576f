// The blocked product that linear layers, batched products and convolutions share.
#pragma once
#include "table.h"

/// y[m, n] = a x columns, then the epilogue of `linear` where it is not NULL.
typedef struct {
  const av_table *table;
  const av_gemm_table *gemm;
  av_matrix a;
  av_columns b;
  int64_t m, n, k;
  float *y;
  int64_t ldy;
  bool accumulate;  // add to what y holds
  const av_linear_args *linear;
} av_product;

/// On all threads.
void av_product_run(av_pool *pool, const av_product *product);
/// On one thread, with that thread's scratch.
void av_product_run_alone(av_pool *pool, int thread, const av_product *product);
