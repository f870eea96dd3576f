#version 460
#include "common.glsl"
#include "types.glsl"
// Resampling as PyTorch does it. MODE: 0 nearest, 1 bilinear, 2 bicubic. Parameters: 0 pixels, 1 2 first elements, 3 4 height
// and width in, 5 6 out, 7 whether corners keep their places, 8 the cubic's parameter, 9 10 steps along height and width.
layout(constant_id = 1) const uint MODE = 0u;

BUFFER(0, A, float, a);
OUTPUT(O, float, o);

struct Taps {
  ivec4 at;
  vec4 weight;
};

Taps tapsOf(uint i, uint source, float step) {
  Taps taps;
  int last = int(source) - 1;
  if (MODE == 0u) {
    precise float place = float(i) * step;
    taps.at = ivec4(min(int(floor(place)), last));
    taps.weight = vec4(1.0, 0.0, 0.0, 0.0);
    return taps;
  }
  precise float place = P(7u) != 0u ? step * float(i) : step * (float(i) + 0.5) - 0.5;
  if (MODE == 1u) place = max(place, 0.0);
  float low = floor(place);
  float t = place - low;
  int first = int(low);
  if (MODE == 1u) {
    taps.at = clamp(ivec4(first, first + 1, 0, 0), ivec4(0), ivec4(last));
    taps.weight = vec4(1.0 - t, t, 0.0, 0.0);
    return taps;
  }
  float c = PF(8u);
  vec4 d = vec4(1.0 + t, t, 1.0 - t, 2.0 - t);
  vec4 outer = ((c * d - 5.0 * c) * d + 8.0 * c) * d - 4.0 * c;
  vec4 inner = ((c + 2.0) * d - (c + 3.0)) * d * d + 1.0;
  taps.at = clamp(ivec4(first - 1, first, first + 1, first + 2), ivec4(0), ivec4(last));
  taps.weight = vec4(outer.x, inner.y, inner.z, outer.w);
  return taps;
}

void main() {
  uint i = item();
  if (i >= P(0u)) return;
  uint rest = i / P(6u);
  uint x = i - rest * P(6u);
  uint plane = rest / P(5u);
  uint y = rest - plane * P(5u);
  uint from = P(1u) + plane * P(3u) * P(4u);
  Taps rows = tapsOf(y, P(3u), PF(9u)), columns = tapsOf(x, P(4u), PF(10u));
  const int count = MODE == 0u ? 1 : MODE == 1u ? 2 : 4;
  float sum = 0.0;
  for (int r = 0; r < count; r++) {
    for (int s = 0; s < count; s++) {
      sum += a[from + uint(rows.at[r]) * P(4u) + uint(columns.at[s])] * rows.weight[r] * columns.weight[s];
    }
  }
  o[P(2u) + i] = sum;
}
