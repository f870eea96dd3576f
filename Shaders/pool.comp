#version 460
#include "common.glsl"
#include "types.glsl"
// The mean or (MAXIMUM) the largest of a window. Parameters: 0 pixels, 1 2 first elements, 3 4 height and width in, 5 6 out,
// 7 8 window, 9 10 strides, 11 12 padding.
layout(constant_id = 1) const uint MAXIMUM = 0u;

BUFFER(0, A, float, a);
OUTPUT(O, float, o);

void main() {
  uint i = item();
  if (i >= P(0u)) return;
  uint rest = i / P(6u);
  uint x = i - rest * P(6u);
  uint plane = rest / P(5u);
  uint y = rest - plane * P(5u);
  uint from = P(1u) + plane * P(3u) * P(4u);
  float sum = 0.0, peak = uintBitsToFloat(0xff800000u);
  for (uint r = 0u; r < P(7u); r++) {
    int row = int(y * P(9u) + r) - int(P(11u));
    for (uint s = 0u; s < P(8u); s++) {
      int column = int(x * P(10u) + s) - int(P(12u));
      bool isInside = row >= 0 && row < int(P(3u)) && column >= 0 && column < int(P(4u));
      float value = a[from + (isInside ? uint(row) * P(4u) + uint(column) : 0u)];
      sum += isInside ? value : 0.0;
      if (isInside && isGreater(value, peak)) peak = value;
    }
  }
  o[P(2u) + i] = MAXIMUM != 0u ? peak : sum / float(P(7u) * P(8u));
}
