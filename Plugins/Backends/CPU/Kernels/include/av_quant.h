// Weights in ggml's quantised blocks: 32 or 256 elements of a row share scales (https://github.com/ggml-org/ggml, src/ggml-common.h).
#pragma once
#include "av_pool.h"

static inline bool av_is_quantised(av_dtype type) { return type >= AV_Q8_0; }
/// Elements of one block; 1 for plain types.
static inline int64_t av_block_elements(av_dtype type) { return type < AV_Q8_0 ? 1 : type < AV_Q2_K ? 32 : 256; }
/// Bytes of one block.
static inline int64_t av_block_bytes(av_dtype type) {
  switch (type) {
  case AV_Q8_0: return 34;
  case AV_Q4_0: return 18;
  case AV_Q4_1: return 20;
  case AV_Q5_0: return 22;
  case AV_Q5_1: return 24;
  case AV_Q2_K: return 84;
  case AV_Q3_K: return 110;
  case AV_Q4_K: return 144;
  case AV_Q5_K: return 176;
  case AV_Q6_K: return 210;
  default: return av_size(type);
  }
}
/// Bytes of `n` elements, which fill whole blocks.
static inline int64_t av_row_bytes(av_dtype type, int64_t n) { return n / av_block_elements(type) * av_block_bytes(type); }

/// "scalar", "avx2", "avxvnni" or "avx512vnni": the kernels that quantised products of this pool go through.
const char *av_quant_kernels(const av_pool *pool);
/// Makes a pool use the kernels of that name; false where there are none or this processor cannot run them.
bool av_pool_use_quant(av_pool *pool, const char *name);
/// y[i] = the i-th of `n` stored elements, bit for bit as ggml's reference has it. Whole blocks.
void av_dequantize(av_dtype type, const void *blocks, int64_t n, float *y);
