// Activations to 8 bits, block by block.
#pragma once
#include "unpack_level.h"

#if AV_LEVEL == 1 && !defined(AV_VNNI)
#define AV_PAIRED_SUMS
enum { sums_whole = 0 };  // products of panels are added in 16 bits at first
#else
enum { sums_whole = 1 };
#endif

/// Whether panels of this type hold 16 bits.
static bool is_wide(av_dtype type) {
#ifdef AV_PAIRED_SUMS
  return type == AV_Q8_0;
#else
  return false;
#endif
}

/// 32 elements: the largest magnitude becomes 127. Magnitudes compare as their bits do, and above those of all finite numbers are infinity and NaN.
static void quantize(av_dtype type, bool for_panels, const float *x, int64_t k, void *out, float *scale, void *shift) {
  const bool wide = for_panels && is_wide(type);
  const int halves = (int)sub_of(type) == 16 ? 2 : 1, offset = for_panels ? offset_of(type) : 0;
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
    if (halves == 1) half[0] += half[1];
    for (int i = 0; i < halves; i++) {
      const int32_t sum = __builtin_reduce_add(half[i]), starts = -offset * sum;
      const float scaled = s * (float)sum;
      memcpy((char *)shift + (block * halves + i) * 4, offset > 0 ? (const void *)&starts : (const void *)&scaled, 4);
    }
  }
}
