// One half-precision number at a time, in integers, for code paths without F16C.
#include "table.h"
#include <string.h>

float av_f32_from_f16(uint16_t h) {
  uint32_t magnitude = h & 0x7fff, sign = (uint32_t)(h & 0x8000) << 16, bits = magnitude << 13;
  float f;
  memcpy(&f, &bits, 4);
  f *= 0x1p112f;  // corrects the exponent's bias, subnormals included
  if (magnitude >= 0x7c00) bits |= 0x7f800000; else memcpy(&bits, &f, 4);
  bits |= sign;
  memcpy(&f, &bits, 4);
  return f;
}

uint16_t av_f16_from_f32(float f) {
  uint32_t bits;
  memcpy(&bits, &f, 4);
  uint32_t sign = bits >> 16 & 0x8000, magnitude = bits & 0x7fffffff;
  if (magnitude > 0x7f800000) return (uint16_t)(sign | 0x7e00 | (magnitude >> 13 & 0x3ff));
  if (magnitude >= 0x477ff000) return (uint16_t)(sign | 0x7c00);
  if (magnitude < 0x38800000) {  // subnormal: adding 0.5 puts the rounded mantissa into the low bits
    float half = 0.5f;
    memcpy(&f, &magnitude, 4);
    f += half;
    memcpy(&bits, &f, 4);
    return (uint16_t)(sign | (bits - 0x3f000000));
  }
  uint32_t rounded = magnitude + 0xfff + (magnitude >> 13 & 1);
  return (uint16_t)(sign | ((rounded - 0x38000000) >> 13));
}
