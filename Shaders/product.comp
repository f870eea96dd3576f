#version 460
#include "common.glsl"
#include "types.glsl"
#include "math.glsl"
#include "unary.glsl"
// out [m, n] = a [m, k] b, for any strides and alignments: 4 x 4 sums per work item. Parameters: 0 m, 1 n, 2 k, 3 batches,
// 4 axes of the batches, 5 6 7 8 9 first elements of a, b, output, bias, residual, 10 strides of a's rows, 11 of the output's,
// 12 of the residual's, 13 14 of b along n and k, 16... sizes of the batches, 24... 32... 40... 48... strides of a, b, output and
// residual; those of blocks.glsl.
layout(constant_id = 1) const uint TYPE = 0u;
layout(constant_id = 2) const uint HAS_BIAS = 0u;
layout(constant_id = 3) const uint ACTIVATION = 99u;
layout(constant_id = 4) const uint HAS_RESIDUAL = 0u;

BUFFER(0, A, float, a);
BUFFER(1, B, uint, b);
OUTPUT(O, float, o);
#include "weights.glsl"
#include "epilogue.glsl"
#include "batch.glsl"

void main() {
  uint m = P(0u), n = P(1u), k = P(2u);
  uint columns = (n + 3u) / 4u, rows = (m + 3u) / 4u;
  uint i = item();
  if (i >= columns * rows * P(3u)) return;
  uint rest = i / columns;
  uint column = (i - rest * columns) * 4u;
  uint batch = rest / rows;
  uint row = (rest - batch * rows) * 4u;
  uvec4 at = batchPlaces(batch);
  uvec4 mine = at.x + min(uvec4(row) + uvec4(0u, 1u, 2u, 3u), uvec4(m - 1u)) * P(10u);
  uvec4 theirs = at.y + min(uvec4(column) + uvec4(0u, 1u, 2u, 3u), uvec4(n - 1u)) * P(13u);
  vec4 sums[4] = vec4[4](vec4(0.0), vec4(0.0), vec4(0.0), vec4(0.0));
  for (uint p = 0u; p < k; p++) {
    uvec4 q = theirs + p * P(14u);
    vec4 y;
    [[unroll]] for (int j = 0; j < 4; j++) y[j] = weightAt(q[j]);
    [[unroll]] for (int r = 0; r < 4; r++) sums[r] += a[mine[r] + p] * y;
  }
  [[unroll]] for (int r = 0; r < 4; r++) {
    [[unroll]] for (int j = 0; j < 4; j++) {
      uint y = row + uint(r), x = column + uint(j);
      if (y < m && x < n) o[at.z + y * P(11u) + x] = finished(sums[r][j], P(8u) + x, at.w + y * P(12u) + x);
    }
  }
}
