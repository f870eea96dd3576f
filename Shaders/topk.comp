#version 460
#include "common.glsl"
#include "types.glsl"
// The k largest of a row in order, equal ones by position; their positions where INDICES. Parameters: 0 rows, 1 elements
// of a row, 2 k, 3 first element of the output, 4 first of the input, 5 axes before the last, 16... 24... their sizes and strides.
layout(constant_id = 1) const uint INDICES = 0u;

BUFFER(0, A, float, a);
OUTPUT(O, uint, o);

void main() {
  uint row = item();
  if (row >= P(0u)) return;
  uint start = P(4u);
  uint rest = row;
  for (uint axis = P(5u); axis > 0u; axis--) {
    uint next = rest / P(15u + axis);
    start += (rest - next * P(15u + axis)) * P(23u + axis);
    rest = next;
  }
  uint count = P(1u), k = P(2u);
  float last = 0.0;
  uint lastAt = 0u;
  for (uint n = 0u; n < k; n++) {
    bool any = false;
    float best = 0.0;
    uint at = 0u;
    for (uint i = 0u; i < count; i++) {
      float x = a[start + i];
      // Behind the one taken before: smaller, or equal and later.
      bool isLater = n == 0u || isGreater(last, x) || (!isGreater(x, last) && i > lastAt);
      if (isLater && (!any || isGreater(x, best))) {
        any = true;
        best = x;
        at = i;
      }
    }
    last = best;
    lastAt = at;
    o[P(3u) + row * k + n] = INDICES != 0u ? at : floatBitsToUint(best);
  }
}
