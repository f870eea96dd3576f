#version 460
#include "common.glsl"
#include "types.glsl"
#include "math.glsl"
#include "unary.glsl"
#include "strided.glsl"
// One number from the numbers at one place of one or two operands. FORM: 0 unary, 1 binary on f32, 2 binary on i32,
// 3 clamp on f32, 4 clamp on i32, 5 silu(a) * b. KIND is that of the form; comparisons give bool.
layout(constant_id = 1) const uint FORM = 0u;
layout(constant_id = 2) const uint KIND = 0u;

BUFFER(0, A, uint, a);
BUFFER(1, B, uint, b);
OUTPUT(O, uint, o);

float binary(float x, float y) {
  switch (KIND) {
    case 0u: return x + y;
    case 1u: return x - y;
    case 2u: return x * y;
    case 3u: return x / y;
    case 4u: return isNan(x) ? x : isNan(y) ? y : max(x, y);
    case 5u: return isNan(x) ? x : isNan(y) ? y : min(x, y);
    default: return powOf(x, y);
  }
}

int binaryInt(int x, int y) {
  switch (KIND) {
    case 0u: return x + y;
    case 1u: return x - y;
    case 2u: return x * y;
    case 3u: return y == 0 ? 0 : x / y;
    case 4u: return max(x, y);
    case 5u: return min(x, y);
    default: return int(powOf(float(x), float(y)));
  }
}

const uint EQUAL = 7u, LESS = 8u;

void main() {
  uint i = item();
  if (i >= P(0u)) return;
  uvec4 at = places(i);
  uint x = a[at.x];
  uint y = FORM == 1u || FORM == 2u || FORM == 5u ? b[at.y] : 0u;
  float xf = uintBitsToFloat(x), yf = uintBitsToFloat(y);
  if ((FORM == 1u || FORM == 2u) && KIND >= EQUAL) {
    bool holds;
    if (FORM == 1u) {
      holds = KIND == EQUAL ? xf == yf : KIND == LESS ? xf < yf : xf <= yf;
    } else {
      holds = KIND == EQUAL ? x == y : KIND == LESS ? int(x) < int(y) : int(x) <= int(y);
    }
    uint bit = holds ? 1u : 0u;
    STORE(o, 1u, at.w, bit);
    return;
  }
  uint result;
  if (FORM == 0u) result = floatBitsToUint(unary(KIND, xf));
  if (FORM == 1u) result = floatBitsToUint(binary(xf, yf));
  if (FORM == 2u) result = uint(binaryInt(int(x), int(y)));
  if (FORM == 3u) result = isNan(xf) ? x : floatBitsToUint(min(max(xf, PF(48u)), PF(49u)));
  if (FORM == 4u) result = uint(int(clamp(int(x), int(P(48u)), int(P(49u)))));
  if (FORM == 5u) result = floatBitsToUint(unary(SILU, xf) * yf);
  o[at.w] = result;
}
