// Activations to 8 bits, block by block.
#pragma once
#include "unpack_level.h"

/// 32 elements: the largest magnitude becomes 127. Magnitudes compare as their bits do, and above those of all finite numbers are infinity and NaN.
static void quantize(const float *x, int64_t k, int64_t sub, bool wide, void *out, float *scale, float *sum) {
  enum { vectors = 32 / W };
  typedef int32_t whole __attribute__((ext_vector_type(32)));
  typedef int16_t words __attribute__((ext_vector_type(32)));
  typedef int8_t bytes __attribute__((ext_vector_type(32)));
  for (int64_t block = 0; block < k / 32; block++, x += 32) {
    vf v[vectors];
    vi most = (vi)0;
    UNROLL for (int i = 0; i < vectors; i++) {
      v[i] = v_load(x + i * W);
      most = __builtin_elementwise_max(v_int(v_abs(v[i])), most);
    }
    const int32_t bits = __builtin_reduce_max(most);
    const bool finite = bits < 0x7f800000;
    float largest;
    memcpy(&largest, &bits, 4);
    float s = largest / 127, inverse = finite && largest > 0x1p-100f ? 127 / largest : 0;
    scale[block] = finite ? s : NAN;
    whole all;
    vi half[2] = {(vi)0, (vi)0};
    UNROLL for (int i = 0; i < vectors; i++) {
      vi q = v_to_int(v_round_small(finite ? v[i] * inverse : v_set(0)));
      half[i * W / 16] += q;
      memcpy((int32_t *)&all + i * W, &q, sizeof q);
    }
    if (wide) { words q = __builtin_convertvector(all, words); memcpy((int16_t *)out + block * 32, &q, sizeof q); }
    else { bytes q = __builtin_convertvector(all, bytes); memcpy((int8_t *)out + block * 32, &q, sizeof q); }
    if (sub == 16) UNROLL for (int i = 0; i < 2; i++) sum[2 * block + i] = s * (float)__builtin_reduce_add(half[i]);
    else sum[block] = s * (float)__builtin_reduce_add(half[0] + half[1]);
  }
}
