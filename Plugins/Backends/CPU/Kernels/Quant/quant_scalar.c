// Portable C, with the dot product instruction where the compiler's target is an ARM that has it.
#if defined(__ARM_FEATURE_DOTPROD)
#include <arm_neon.h>
#endif
#define AV_LEVEL 0
#include "../gemm_level.h"
#include "quant_table.h"
#include "quant_level.h"
#if defined(__ARM_FEATURE_DOTPROD)
const av_quant_table av_quant_scalar = AV_QUANT_TABLE("neon dot");
#else
const av_quant_table av_quant_scalar = AV_QUANT_TABLE("scalar");
#endif
