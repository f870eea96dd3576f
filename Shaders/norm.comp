#version 460
#include "common.glsl"
#include "types.glsl"
#include "math.glsl"
// Rows of numbers made even. KIND: 0 layerNorm, 1 rmsNorm, 2 softmax, 3 groupNorm (a row is a group of channels).
// Parameters: 0 rows, 1 elements of a row, 2 first of the output, 3 4 5 first of input, weight and bias, 6 epsilon, 7 elements
// of a channel, 8 channels, 9 axes before the last, 16... 24... their sizes and strides.
layout(constant_id = 1) const uint KIND = 0u;
layout(constant_id = 2) const uint LANES = 1u;
#include "lanes.glsl"

BUFFER(0, A, float, a);
BUFFER(1, W, float, w);
BUFFER(2, B, float, b);
OUTPUT(O, float, o);

void main() {
  uint row = myRow();
  if (row >= P(0u)) return;
  uint start = P(3u), rest = row;
  for (uint axis = P(9u); axis > 0u; axis--) {
    uint next = rest / P(15u + axis);
    start += (rest - next * P(15u + axis)) * P(23u + axis);
    rest = next;
  }
  uint count = P(1u), lane = myLane();
  uint to = P(2u) + row * count;
  if (KIND == 2u) {
    float peak = uintBitsToFloat(0xff800000u);
    for (uint i = lane; i < count; i += LANES) {
      float x = a[start + i];
      if (isGreater(x, peak)) peak = x;
    }
    peak = maxOverLanes(peak);
    float sum = 0.0;
    for (uint i = lane; i < count; i += LANES) {
      float e = expOf(a[start + i] - peak);
      o[to + i] = e;
      sum += e;
    }
    sum = sumOverLanes(sum);
    for (uint i = lane; i < count; i += LANES) o[to + i] /= sum;
    return;
  }
  float mean = 0.0;
  if (KIND != 1u) {
    for (uint i = lane; i < count; i += LANES) mean += a[start + i];
    mean = sumOverLanes(mean) / float(count);
  }
  float squares = 0.0;
  for (uint i = lane; i < count; i += LANES) {
    float x = a[start + i] - mean;
    squares += x * x;
  }
  float scale = 1.0 / sqrt(sumOverLanes(squares) / float(count) + PF(6u));
  for (uint i = lane; i < count; i += LANES) {
    float x = (a[start + i] - mean) * scale;
    uint at = KIND == 3u ? ((row * count + i) / P(7u)) % P(8u) : i;
    x *= w[P(4u) + at];
    if (KIND != 1u) x += b[P(5u) + at];
    o[to + i] = x;
  }
}
