// AVX2: pairs of bytes summed in 16 bits (Haswell, Zen and later).
#if defined(__x86_64__)
#include <immintrin.h>
#include <float.h>
#include <math.h>
#include <string.h>
#include "quant_table.h"
#define AV_LEVEL 1
#pragma clang attribute push(__attribute__((target("avx2,fma,f16c"))), apply_to = function)
#include "../gemm_level.h"
#include "quant_level.h"
const av_quant_table av_quant_avx2 = AV_QUANT_TABLE("avx2");
#pragma clang attribute pop
#endif
