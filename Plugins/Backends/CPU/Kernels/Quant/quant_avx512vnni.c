// AVX-512 VNNI: the same 512 bits wide (Cascade Lake, Zen 4 and later).
#if defined(__x86_64__)
#include <immintrin.h>
#include <float.h>
#include <math.h>
#include <string.h>
#include "quant_table.h"
#define AV_LEVEL 2
#define AV_VNNI
#define AV_DPBUSD_256 _mm256_dpbusd_epi32
#pragma clang attribute push(__attribute__((target("avx512f,avx512bw,avx512vl,avx512dq,avx512vnni,avx2,fma,f16c"))), apply_to = function)
#include "../gemm_level.h"
#include "quant_level.h"
const av_quant_table av_quant_avx512vnni = AV_QUANT_TABLE("avx512vnni");
#pragma clang attribute pop
#endif
