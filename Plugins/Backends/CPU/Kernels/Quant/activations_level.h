// Activations to 8 bits, block by block.
#pragma once
#include "unpack_level.h"

/// 32 elements: the largest magnitude becomes 127. `bad` is NaN where any element is NaN or infinite, else 0.
static void quantize(const float *x, int64_t k, int64_t sub, bool wide, void *out, float *scale, float *sum) {
  enum { vectors = 32 / W };
  typedef int8_t vb __attribute__((ext_vector_type(W)));
  typedef int16_t vs __attribute__((ext_vector_type(W)));
  for (int64_t block = 0; block < k / 32; block++, x += 32) {
    vf v[vectors], most = v_set(0), bad = v_set(0);
    UNROLL for (int i = 0; i < vectors; i++) {
      v[i] = v_load(x + i * W);
      most = v_max(v_abs(v[i]), most);
      bad = v_fma(v[i], v_set(0), bad);
    }
    float largest = v_max_lane(most), s = largest / 127, inverse = largest > 0x1p-100f ? 127 / largest : 0;
    bool finite = __builtin_reduce_and(bad == 0.0f) != 0;
    if (!finite) inverse = 0;
    scale[block] = finite ? s : NAN;
    int32_t half[2] = {0, 0};
    UNROLL for (int i = 0; i < vectors; i++) {
      vi q = v_to_int(v_round_small(finite ? v[i] * inverse : v_set(0)));
      half[i * W / 16] += __builtin_reduce_add(q);
      if (wide) { vs q16 = __builtin_convertvector(q, vs); memcpy((int16_t *)out + block * 32 + i * W, &q16, sizeof q16); }
      else { vb q8 = __builtin_convertvector(q, vb); memcpy((int8_t *)out + block * 32 + i * W, &q8, sizeof q8); }
    }
    if (sub == 16) { sum[2 * block] = s * (float)half[0]; sum[2 * block + 1] = s * (float)half[1]; }
    else sum[block] = s * (float)(half[0] + half[1]);
  }
}
