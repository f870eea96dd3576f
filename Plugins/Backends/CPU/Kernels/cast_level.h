// Conversions between all element types.
#pragma once
#include "simd.h"

/// f32 to and from 16-bit floats, by vectors.
FN void cast_floats(av_dtype from, const void *x, av_dtype to, void *y, int64_t n) {
  for (int64_t i = 0; i < n; i += W) v_store_as(to, y, i, v_load_as(from, x, i, n - i), n - i);
}

FN double read_one(av_dtype type, const void *x, int64_t i) {
  const char *p = (const char *)x + i * av_size(type);
#define READ(t) { t v; memcpy(&v, p, sizeof v); return (double)v; }
  switch (type) {
  case AV_F32: READ(float)
  case AV_F16: { uint16_t h; memcpy(&h, p, 2); return av_f32_from_f16(h); }
  case AV_BF16: { uint16_t h; memcpy(&h, p, 2); uint32_t u = (uint32_t)h << 16; float f; memcpy(&f, &u, 4); return f; }
  case AV_I32: READ(int32_t)
  case AV_I64: READ(int64_t)
  case AV_F64: READ(double)
  case AV_I16: READ(int16_t)
  case AV_I8: READ(int8_t)
  case AV_BOOL: return *p != 0;
  default: READ(uint8_t)
  }
#undef READ
}

FN int64_t saturate(double v, double low, double high) {
  if (!(v >= low)) return v != v ? 0 : (int64_t)low;
  return v >= high ? (high >= 0x1p63 ? INT64_MAX : (int64_t)high) : (int64_t)v;
}

FN void write_one(av_dtype type, void *y, int64_t i, double v) {
  char *p = (char *)y + i * av_size(type);
#define WRITE(t, value) { t w = (t)(value); memcpy(p, &w, sizeof w); return; }
  switch (type) {
  case AV_F32: WRITE(float, v)
  case AV_F16: WRITE(uint16_t, av_f16_from_f32((float)v))
  case AV_BF16: { vh h = v_to_bf16(v_set((float)v)); WRITE(uint16_t, h[0]) }
  case AV_I32: WRITE(int32_t, saturate(v, INT32_MIN, INT32_MAX))
  case AV_I64: WRITE(int64_t, saturate(v, -0x1p63, 0x1p63))
  case AV_F64: WRITE(double, v)
  case AV_I16: WRITE(int16_t, saturate(v, INT16_MIN, INT16_MAX))
  case AV_I8: WRITE(int8_t, saturate(v, INT8_MIN, INT8_MAX))
  case AV_BOOL: WRITE(uint8_t, v != 0)
  default: WRITE(uint8_t, saturate(v, 0, UINT8_MAX))
  }
#undef WRITE
}

/// Blocks of 32 with a scale: the largest magnitude becomes 127. A block with a NaN or an infinity has NaN for its scale, so that neither is lost.
static void store_q8(const float *x, int64_t n, char *y) {
  typedef int8_t bytes __attribute__((ext_vector_type(W)));
  for (int64_t i = 0; i < n; i += 32, x += 32, y += 34) {
    vi most = (vi)0;  // magnitudes compare as their bits do
    UNROLL for (int j = 0; j < 32; j += W) most = __builtin_elementwise_max(v_int(v_abs(v_load(x + j))), most);
    const int32_t bits = __builtin_reduce_max(most);
    float largest;
    memcpy(&largest, &bits, 4);
    const bool finite = bits < 0x7f800000;
    const float scale = largest / 127, inverse = finite && largest > 0x1p-100f ? 1 / scale : 0;
    const uint16_t half = v_to_f16(v_set(finite ? scale : NAN))[0];
    memcpy(y, &half, sizeof half);
    UNROLL for (int j = 0; j < 32; j += W) {
      bytes q = __builtin_convertvector(v_to_int(__builtin_elementwise_round(finite ? v_load(x + j) * inverse : v_set(0))), bytes);  // halves away from zero, as ggml has it
      memcpy(y + 2 + j, &q, sizeof q);
    }
  }
}

static void cast(av_dtype from, const void *x, av_dtype to, void *y, int64_t n) {
  bool floats = (from == AV_F32 || from == AV_F16 || from == AV_BF16) && (to == AV_F32 || to == AV_F16 || to == AV_BF16);
  if (from == to) memcpy(y, x, (size_t)(n * av_size(from)));
  else if (from == AV_F32 && to == AV_Q8_0) store_q8(x, n, y);
  else if (!floats) for (int64_t i = 0; i < n; i++) write_one(to, y, i, read_one(from, x, i));
  else if (from == AV_F16) { if (to == AV_F32) cast_floats(AV_F16, x, AV_F32, y, n); else cast_floats(AV_F16, x, AV_BF16, y, n); }
  else if (from == AV_BF16) { if (to == AV_F32) cast_floats(AV_BF16, x, AV_F32, y, n); else cast_floats(AV_BF16, x, AV_F16, y, n); }
  else if (to == AV_F16) cast_floats(AV_F32, x, AV_F16, y, n);
  else cast_floats(AV_F32, x, AV_BF16, y, n);
}
