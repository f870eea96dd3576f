#version 460
#include "common.glsl"
#include "types.glsl"
#include "math.glsl"
#include "unary.glsl"
// out [m, n] = a [m, k] b for a GPU: 32 x 32 sums per workgroup of 64, from tiles of both operands in shared memory.
// Parameters as in product.comp.
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

const uint TILE = 32u, DEPTH = 16u;
// One column more, so that work items meet in no bank.
shared float ofA[DEPTH][TILE + 1u];
shared float ofB[DEPTH][TILE + 1u];

void main() {
  uint m = P(0u), n = P(1u), k = P(2u);
  uint across = (n + TILE - 1u) / TILE, down = (m + TILE - 1u) / TILE;
  uint rest = group() / across;
  uint column = (group() - rest * across) * TILE;
  uint batch = rest / down;
  uint row = (rest - batch * down) * TILE;
  uvec4 at = batchPlaces(batch);
  uint me = gl_LocalInvocationID.x;
  uint myRow = me / 8u * 4u, myColumn = me % 8u * 4u;
  vec4 sums[4] = vec4[4](vec4(0.0), vec4(0.0), vec4(0.0), vec4(0.0));
  for (uint first = 0u; first < k; first += DEPTH) {
    barrier();
    for (uint i = me; i < TILE * DEPTH; i += 64u) {
      uint line = i / DEPTH, p = i % DEPTH;
      bool isTerm = first + p < k;
      ofA[p][line] = isTerm && row + line < m ? a[at.x + (row + line) * P(10u) + first + p] : 0.0;
      uint place = at.y + (column + line) * P(13u) + (first + p) * P(14u);
      float y = 0.0;
      if (isTerm && column + line < n) y = weightAt(place);
      ofB[p][line] = y;
    }
    barrier();
    for (uint p = 0u; p < DEPTH; p++) {
      vec4 y = vec4(ofB[p][myColumn], ofB[p][myColumn + 1u], ofB[p][myColumn + 2u], ofB[p][myColumn + 3u]);
      [[unroll]] for (int r = 0; r < 4; r++) sums[r] += ofA[p][myRow + uint(r)] * y;
    }
  }
  [[unroll]] for (int r = 0; r < 4; r++) {
    [[unroll]] for (int j = 0; j < 4; j++) {
      uint y = row + myRow + uint(r), x = column + myColumn + uint(j);
      if (y < m && x < n) o[at.z + y * P(11u) + x] = finished(sums[r][j], P(8u) + x, at.w + y * P(12u) + x);
    }
  }
}
