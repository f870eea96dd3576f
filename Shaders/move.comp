#version 460
#include "common.glsl"
#include "types.glsl"
#include "strided.glsl"
// Elements of SIZE bytes from place to place. MODE: 0 copy, 1 fill with a value, 2 select by a bool, 3 count up.
layout(constant_id = 1) const uint MODE = 0u;
layout(constant_id = 2) const uint SIZE = 4u;

BUFFER(0, A, uint, a);
BUFFER(1, B, uint, b);
BUFFER(2, C, uint, c);
OUTPUT(O, uint, o);

void main() {
  uint i = item();
  if (i >= P(0u)) return;
  uvec4 at = places(i);
  bool first = MODE != 2u || ELEMENT(c, 1u, at.z) != 0u;
  if (SIZE == 8u) {
    for (uint half_ = 0u; half_ < 2u; half_++) {
      o[2u * at.w + half_] = MODE == 1u ? P(48u + half_) : first ? a[2u * at.x + half_] : b[2u * at.y + half_];
    }
    return;
  }
  uint bits;
  if (MODE == 0u) bits = ELEMENT(a, SIZE, at.x);
  if (MODE == 1u) bits = P(48u);
  if (MODE == 2u) {
    bits = ELEMENT(a, SIZE, at.x);
    uint other = ELEMENT(b, SIZE, at.y);
    bits = first ? bits : other;
  }
  if (MODE == 3u) bits = P(48u) + i;
  STORE(o, SIZE, at.w, bits);
}
