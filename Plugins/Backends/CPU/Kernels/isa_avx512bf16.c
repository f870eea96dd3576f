// Products of bf16 pairs by `vdpbf16ps` (Cooper Lake, Zen 4 and later), for the opt-in mode of less precision.
#if defined(__x86_64__)
#include <immintrin.h>
#include <float.h>
#include <math.h>
#include <string.h>
#include "table.h"
#define AV_LEVEL 2
#define AV_PAIRS
#pragma clang attribute push(__attribute__((target("avx512f,avx512bw,avx512vl,avx512dq,avx512bf16,avx2,fma,f16c"))), apply_to = function)
#include "gemm_level.h"
const av_gemm_table av_gemm_bf16 = GEMM_TABLE;
#pragma clang attribute pop
#endif
