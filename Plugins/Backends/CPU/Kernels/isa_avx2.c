// AVX2 with FMA and F16C (Haswell, Zen and later).
#if defined(__x86_64__)
#include <immintrin.h>
#define AV_LEVEL 1
#include <float.h>
#include <math.h>
#include <string.h>
#include "table.h"
#pragma clang attribute push(__attribute__((target("avx2,fma,f16c"))), apply_to = function)
#include "table_level.h"
const av_table av_table_avx2 = AV_TABLE;
#pragma clang attribute pop
#endif
