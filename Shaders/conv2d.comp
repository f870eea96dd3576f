#version 460
#include "common.glsl"
#include "types.glsl"
// A pixel of a channel of the output per work item. Parameters: 0 pixels, 1 2 3 first elements of input, kernel and output,
// 4 channels in, 5 6 height and width in, 7 channels out, 8 9 height and width out, 10 channels of a group, 11 12 kernel,
// 13 14 strides, 15 16 padding above and left, 17 18 dilation, 19 channels out of a group.
layout(constant_id = 1) const uint TYPE = 0u;

BUFFER(0, A, float, a);
BUFFER(1, W, uint, w);
OUTPUT(O, float, o);

void main() {
  uint i = item();
  if (i >= P(0u)) return;
  uint height = P(5u), width = P(6u), outs = P(7u), outHeight = P(8u), outWidth = P(9u);
  uint channels = P(10u), kh = P(11u), kw = P(12u);
  uint rest = i / outWidth;
  uint x = i - rest * outWidth;
  uint next = rest / outHeight;
  uint y = rest - next * outHeight;
  uint picture = next / outs;
  uint channel = next - picture * outs;
  uint from = P(1u) + (picture * P(4u) + channel / P(19u) * channels) * height * width;
  uint kernel = P(2u) + channel * channels * kh * kw;
  int top = int(y * P(13u)) - int(P(15u)), left = int(x * P(14u)) - int(P(16u));
  float sum = 0.0;
  for (uint c = 0u; c < channels; c++) {
    for (uint r = 0u; r < kh; r++) {
      int row = top + int(r * P(17u));
      bool isRow = row >= 0 && row < int(height);
      for (uint s = 0u; s < kw; s++) {
        int column = left + int(s * P(18u));
        bool isInside = isRow && column >= 0 && column < int(width);
        uint at = isInside ? (c * height + uint(row)) * width + uint(column) : 0u;
        float value = a[from + at];
        float weight = toFloat(TYPE, ELEMENT(w, sizeOf(TYPE), kernel + (c * kh + r) * kw + s));
        sum += isInside ? value * weight : 0.0;
      }
    }
  }
  o[P(3u) + i] = sum;
}
