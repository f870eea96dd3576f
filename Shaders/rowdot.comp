#version 460
#include "common.glsl"
#include "types.glsl"
#include "math.glsl"
#include "unary.glsl"
// out [m, n] = a [m, k] b for few rows on a GPU: a workgroup per sum, whose items read neighbouring terms. Parameters as in
// product.comp.
layout(constant_id = 1) const uint TYPE = 0u;
layout(constant_id = 2) const uint HAS_BIAS = 0u;
layout(constant_id = 3) const uint ACTIVATION = 99u;
layout(constant_id = 4) const uint HAS_RESIDUAL = 0u;
layout(constant_id = 5) const uint LANES = 64u;
#include "lanes.glsl"

BUFFER(0, A, float, a);
BUFFER(1, B, uint, b);
OUTPUT(O, float, o);
#include "weights.glsl"
#include "epilogue.glsl"
#include "batch.glsl"

void main() {
  uint m = P(0u), n = P(1u), k = P(2u);
  uint rest = group() / n;
  uint x = group() - rest * n;
  uint batch = rest / m;
  uint y = rest - batch * m;
  uvec4 at = batchPlaces(batch);
  uint mine = at.x + y * P(10u), theirs = at.y + x * P(13u);
  float sum = 0.0;
  for (uint p = gl_LocalInvocationID.x; p < k; p += LANES) {
    sum += a[mine + p] * weightAt(theirs + p * P(14u));
  }
  sum = sumOverLanes(sum);
  if (gl_LocalInvocationID.x == 0u) o[at.z + y * P(11u) + x] = finished(sum, P(8u) + x, at.w + y * P(12u) + x);
}
