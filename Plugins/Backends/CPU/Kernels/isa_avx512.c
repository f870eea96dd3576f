// AVX-512 F, BW, VL and DQ (Skylake-X, Zen 4 and later).
#if defined(__x86_64__)
#include <immintrin.h>
#define AV_LEVEL 2
#include <float.h>
#include <math.h>
#include <string.h>
#include "table.h"
#pragma clang attribute push(__attribute__((target("avx512f,avx512bw,avx512vl,avx512dq,avx2,fma,f16c"))), apply_to = function)
#include "table_level.h"
const av_table av_table_avx512 = AV_TABLE;
#pragma clang attribute pop
#endif
