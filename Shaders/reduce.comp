#version 460
#include "common.glsl"
#include "types.glsl"
// One line along an axis per work item: KIND 0 sum, 1 mean, 2 max, 3 argmax, 4 running sum, of f32 or (INTEGER) i32.
// Parameters: 0 lines, 1 elements of a line, 2 elements behind the axis, 3 4 first elements.
layout(constant_id = 1) const uint KIND = 0u;
layout(constant_id = 2) const uint INTEGER = 0u;

BUFFER(0, A, uint, a);
OUTPUT(O, uint, o);

void main() {
  uint line = item();
  if (line >= P(0u)) return;
  uint count = P(1u), inner = P(2u);
  uint outer = line / inner;
  uint start = outer * count * inner + (line - outer * inner);
  uint from = P(3u) + start;
  uint to = P(4u) + line;
  if (KIND == 4u) {
    float sum = 0.0;
    int total = 0;
    for (uint i = 0u; i < count; i++) {
      uint bits = a[from + i * inner];
      if (INTEGER == 0u) {
        sum += uintBitsToFloat(bits);
        o[P(4u) + start + i * inner] = floatBitsToUint(sum);
      } else {
        total += int(bits);
        o[P(4u) + start + i * inner] = uint(total);
      }
    }
    return;
  }
  float sum = 0.0, carry = 0.0, best = uintBitsToFloat(0xff800000u);
  int total = 0, most = -2147483647 - 1;
  uint index = 0u;
  for (uint i = 0u; i < count; i++) {
    uint bits = a[from + i * inner];
    if (INTEGER == 0u) {
      float x = uintBitsToFloat(bits);
      if (KIND < 2u) {
        // Kahan's sum, since a line may be long.
        precise float y = x - carry;
        precise float t = sum + y;
        carry = (t - sum) - y;
        sum = t;
      } else if (isGreater(x, best)) {
        best = x;
        index = i;
      }
    } else {
      total += int(bits);
      if (int(bits) > most || i == 0u) {
        most = int(bits);
        index = i;
      }
    }
  }
  uint result;
  if (INTEGER == 0u) {
    result = floatBitsToUint(KIND == 0u ? sum : KIND == 1u ? sum / float(count) : best);
  } else {
    result = uint(KIND == 0u ? total : KIND == 1u ? total / int(max(count, 1u)) : most);
  }
  o[to] = KIND == 3u ? index : result;
}
