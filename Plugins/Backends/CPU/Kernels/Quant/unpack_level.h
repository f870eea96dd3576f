// What the blocks hold, in one form: unsigned numbers u with a factor d and a shift m for every 16 or 32 of them, w = d * u - m.
// Layouts and the order of the arithmetic are those of ggml's reference.
#pragma once
#include "../simd.h"
#include "quant_table.h"

FN int64_t sub_of(av_dtype type) { return av_quant_sub(type); }
/// Where the numbers are signed, stored with this added; m is then offset * d. Q8_0 is unsigned only for `vpdpbusd`.
FN int offset_of(av_dtype type) {
  switch (type) {
#ifdef AV_VNNI
  case AV_Q8_0: return 128;
#endif
  case AV_Q4_0: return 8;
  case AV_Q5_0: return 16;
  case AV_Q3_K: return 4;
  case AV_Q6_K: return 32;
  default: return 0;
  }
}

/// Where m is a number of its own.
FN bool has_minimum(av_dtype type) { return type != AV_Q8_0 && offset_of(type) == 0; }

FN float half_at(const uint8_t *p) {
  uint16_t h;
  memcpy(&h, p, 2);
#if AV_LEVEL > 0
  return _cvtsh_ss(h);
#else
  return av_f32_from_f16(h);
#endif
}

FN void unpack_nibbles(const uint8_t *restrict q, uint8_t *restrict u, int64_t n) {
  for (int64_t i = 0; i < n; i++) { u[i] = q[i] & 15; u[i + n] = q[i] >> 4; }
}

/// Blocks of 32: an offset, or a scale and a minimum, four bits in two halves, and perhaps a fifth.
FN void unpack_legacy(av_dtype type, const uint8_t *restrict w, uint8_t *restrict u, float *d, float *m) {
  *d = half_at(w);
  *m = has_minimum(type) ? -half_at(w + 2) : *d * (float)offset_of(type);
  w += has_minimum(type) ? 4 : 2;
  if (type == AV_Q8_0) {
    for (int i = 0; i < 32; i++) u[i] = (uint8_t)(w[i] + offset_of(type));
  } else if (type == AV_Q4_0 || type == AV_Q4_1) {
    unpack_nibbles(w, u, 16);
  } else {
    uint32_t high;
    memcpy(&high, w, 4);
    unpack_nibbles(w + 4, u, 16);
    for (int i = 0; i < 32; i++) u[i] |= (high >> i & 1) << 4;
  }
}

/// The eight scales and minima of Q4_K and Q5_K, six bits each in twelve bytes.
FN void unpack_scales(const uint8_t *p, uint8_t scale[8], uint8_t minimum[8]) {
  for (int i = 0; i < 4; i++) {
    scale[i] = p[i] & 63;
    minimum[i] = p[i + 4] & 63;
    scale[i + 4] = (p[i + 8] & 15) | p[i] >> 6 << 4;
    minimum[i + 4] = p[i + 8] >> 4 | p[i + 4] >> 6 << 4;
  }
}

FN void unpack_q4_k(bool five, const uint8_t *restrict w, uint8_t *restrict u, float *d, float *m, int64_t stride) {
  uint8_t scale[8], minimum[8];
  float all = half_at(w), least = half_at(w + 2);
  unpack_scales(w + 4, scale, minimum);
  const uint8_t *high = w + 16, *q = five ? w + 48 : w + 16;
  for (int i = 0; i < 8; i++) { d[i * stride] = all * scale[i]; m[i * stride] = least * minimum[i]; }
  for (int pair = 0; pair < 4; pair++, q += 32, u += 64) {
    unpack_nibbles(q, u, 32);
    if (five) for (int i = 0; i < 32; i++) { u[i] |= (high[i] >> (2 * pair) & 1) << 4; u[i + 32] |= (high[i] >> (2 * pair + 1) & 1) << 4; }
  }
}

FN void unpack_q2_k(const uint8_t *restrict w, uint8_t *restrict u, float *d, float *m, int64_t stride) {
  const uint8_t *q = w + 16;
  float all = half_at(w + 80), least = half_at(w + 82);
  for (int i = 0; i < 16; i++) { d[i * stride] = all * (w[i] & 15); m[i * stride] = least * (w[i] >> 4); }
  for (int part = 0; part < 8; part++, u += 32)
    for (int i = 0; i < 32; i++) u[i] = q[part / 4 * 32 + i] >> (part % 4 * 2) & 3;
}

/// The sixteen scales of Q3_K, six bits each, signed: four low bits in eight bytes, two high bits of all in four more.
FN void unpack_scales_q3_k(const uint8_t *restrict p, int8_t scale[16]) {
  uint32_t a[3], out[4];
  memcpy(a, p, 12);
  for (int i = 0; i < 4; i++) {
    uint32_t word = ((a[i & 1] >> (i / 2 * 4)) & 0x0f0f0f0f) | ((a[2] >> (i * 2)) & 0x03030303) << 4;
    out[i] = (word | 0x80808080) - 0x20202020;  // each byte less 32, borrows kept within
    out[i] ^= 0x80808080;
  }
  memcpy(scale, out, 16);
}

FN void unpack_q3_k(const uint8_t *restrict w, uint8_t *restrict u, float *d, float *m, int64_t stride) {
  const uint8_t *high = w, *q = w + 32;
  int8_t scale[16];
  float all = half_at(w + 108);
  unpack_scales_q3_k(w + 96, scale);
  for (int i = 0; i < 16; i++) { d[i * stride] = all * scale[i]; m[i * stride] = all * scale[i] * 4; }
  for (int part = 0; part < 8; part++, u += 32)
    for (int i = 0; i < 32; i++) u[i] = (q[part / 4 * 32 + i] >> (part % 4 * 2) & 3) | (high[i] >> part & 1) << 2;
}

FN void unpack_q6_k(const uint8_t *restrict w, uint8_t *restrict u, float *d, float *m, int64_t stride) {
  const uint8_t *low = w, *high = w + 128;
  const int8_t *scale = (const int8_t *)w + 192;
  float all = half_at(w + 208);
  for (int i = 0; i < 16; i++) { d[i * stride] = all * scale[i]; m[i * stride] = all * scale[i] * 32; }
  for (int half = 0; half < 2; half++, low += 64, high += 32, u += 128)
    for (int i = 0; i < 32; i++) {
      u[i] = (low[i] & 15) | (high[i] & 3) << 4;
      u[i + 32] = (low[i + 32] & 15) | (high[i] >> 2 & 3) << 4;
      u[i + 64] = low[i] >> 4 | (high[i] >> 4 & 3) << 4;
      u[i + 96] = low[i + 32] >> 4 | (high[i] >> 6) << 4;
    }
}

/// `n` elements (whole blocks): bytes one after another, d and m of each sub-block `stride` floats apart.
FN void unpack_typed(av_dtype type, const uint8_t *restrict w, int64_t n, uint8_t *restrict u, float *d, float *m, int64_t stride) {
  const int64_t elements = av_block_elements(type), bytes = av_block_bytes(type), subs = elements / sub_of(type) * stride;
  for (; n > 0; n -= elements, w += bytes, u += elements, d += subs, m += subs) {
    switch (type) {
    case AV_Q2_K: unpack_q2_k(w, u, d, m, stride); break;
    case AV_Q3_K: unpack_q3_k(w, u, d, m, stride); break;
    case AV_Q4_K: unpack_q4_k(false, w, u, d, m, stride); break;
    case AV_Q5_K: unpack_q4_k(true, w, u, d, m, stride); break;
    case AV_Q6_K: unpack_q6_k(w, u, d, m, stride); break;
    default: unpack_legacy(type, w, u, d, m);
    }
  }
}

/// Calls `call(type)` with the type as a constant, so that each gets code of its own.
#define FOR_TYPE(type, call) \
  switch (type) { \
  case AV_Q8_0: call(AV_Q8_0); break; \
  case AV_Q4_0: call(AV_Q4_0); break; \
  case AV_Q4_1: call(AV_Q4_1); break; \
  case AV_Q5_0: call(AV_Q5_0); break; \
  case AV_Q5_1: call(AV_Q5_1); break; \
  case AV_Q2_K: call(AV_Q2_K); break; \
  case AV_Q3_K: call(AV_Q3_K); break; \
  case AV_Q4_K: call(AV_Q4_K); break; \
  case AV_Q5_K: call(AV_Q5_K); break; \
  case AV_Q6_K: call(AV_Q6_K); break; \
  default: break; \
  }

static void unpack(av_dtype type, const uint8_t *restrict w, int64_t n, uint8_t *restrict u, float *d, float *m, int64_t stride) {
#define CALL(t) unpack_typed(t, w, n, u, d, m, stride)
  FOR_TYPE(type, CALL)
#undef CALL
}

/// As f32, exactly as the reference computes it: no product is contracted with the sum that follows.
static void dequantize(av_dtype type, const uint8_t *w, int64_t n, float *y) {
#pragma clang fp contract(off)
  enum { piece = 256 };
  uint8_t u[piece];
  float d[piece / 16], m[piece / 16];
  const int64_t sub = sub_of(type), offset = offset_of(type);
  for (int64_t i = 0; i < n; i += piece) {
    int64_t count = n - i < piece ? n - i : piece;
    unpack(type, w + av_row_bytes(type, i), count, u, d, m, 1);
    for (int64_t j = 0; j < count; j += sub) {
      float scale = d[j / sub], shift = offset > 0 ? 0 : m[j / sub];
      if (type == AV_Q8_0) for (int64_t e = 0; e < sub; e++) y[i + j + e] = scale * (float)(int8_t)(u[j + e] - offset);
      else if (offset > 0) for (int64_t e = 0; e < sub; e++) y[i + j + e] = scale * (float)(u[j + e] - (int)offset);
      else for (int64_t e = 0; e < sub; e++) y[i + j + e] = scale * (float)u[j + e] - shift;
    }
  }
}
