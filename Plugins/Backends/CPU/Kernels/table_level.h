// All kernels of one instruction set, and the table that exports them.
#pragma once
#include "attention_level.h"
#include "cast_level.h"
#include "elementwise_level.h"
#include "gemm_level.h"
#include "linear_level.h"
#include "rows_level.h"

#define AV_TABLE { \
  .gemm = GEMM_TABLE, .thin_most = thin_most, .thin = thin, .epilogue = epilogue, .unary = unary, .binary = binary, .clamp = clamp, .cast = cast, \
  .layer_norm = layer_norm, .rms_norm = rms_norm, .softmax = softmax, .moments = moments, .scale_shift = scale_shift, .rope = rope, \
  .gated = gated, .reduce_row = reduce_row, .reduce_into = reduce_into, .attend_few = attend_few, .attend_join = attend_join, \
  .attend_many = attend_many, \
}
