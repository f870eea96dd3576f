// AVX-VNNI: quads of bytes summed in 32 bits, 256 bits wide (Alder Lake, Zen 5 and later).
#if defined(__x86_64__)
#include <immintrin.h>
#include <float.h>
#include <math.h>
#include <string.h>
#include "quant_table.h"
#define AV_LEVEL 1
#define AV_VNNI
#define AV_DPBUSD_256 _mm256_dpbusd_avx_epi32
#pragma clang attribute push(__attribute__((target("avx2,fma,f16c,avxvnni"))), apply_to = function)
#include "../gemm_level.h"
#include "quant_level.h"
const av_quant_table av_quant_avxvnni = AV_QUANT_TABLE("avxvnni");
#pragma clang attribute pop
#endif
