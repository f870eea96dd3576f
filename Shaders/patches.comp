#version 460
#include "common.glsl"
#include "types.glsl"
// What each pixel of a convolution's output sees, as a row: one number of it per work item. Parameters: 0 numbers, 1 first
// element of the picture, 2 numbers of a row, 3 4 height and width in, 5 width out, 6 7 kernel, 8 9 strides, 10 11 padding above
// and left, 12 13 dilation.
BUFFER(0, A, float, a);
OUTPUT(O, float, o);

void main() {
  uint i = item();
  if (i >= P(0u)) return;
  uint pixel = i / P(2u);
  uint rest = i - pixel * P(2u);
  uint line = rest / P(7u);
  uint channel = line / P(6u);
  uint y = pixel / P(5u);
  int row = int(y * P(8u) + (line - channel * P(6u)) * P(12u)) - int(P(10u));
  int column = int((pixel - y * P(5u)) * P(9u) + (rest - line * P(7u)) * P(13u)) - int(P(11u));
  bool isInside = row >= 0 && row < int(P(3u)) && column >= 0 && column < int(P(4u));
  float value = a[P(1u) + (isInside ? (channel * P(3u) + uint(row)) * P(4u) + uint(column) : 0u)];
  o[i] = isInside ? value : 0.0;
}
