#version 460
#include "common.glsl"
#include "types.glsl"
#include "strided.glsl"
#include "cast.glsl"
layout(constant_id = 1) const uint FROM = 0u;
layout(constant_id = 2) const uint TO = 0u;

BUFFER(0, A, uint, a);
OUTPUT(O, uint, o);

void main() {
  uint i = item();
  if (i >= P(0u)) return;
  uvec4 at = places(i);
  uint bits = castBits(FROM, TO, ELEMENT(a, sizeOf(FROM), at.x));
  STORE(o, sizeOf(TO), at.w, bits);
}
