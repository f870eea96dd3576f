#version 460
#include "common.glsl"
#include "types.glsl"
#include "math.glsl"
#include "unary.glsl"
// out [m, n] = a [m, k] bᵀ with rows of b in memory order, for a processor's driver: both operands come through texel
// buffers, whose fetches such drivers turn into vector loads, where storage buffers are read number by number. ROWS x COLUMNS
// sums per work item; neighbouring items have neighbouring columns. Parameters as in product.comp, but the places and
// strides of a and b count in texels: four numbers of a, 16 bytes of b.
layout(constant_id = 1) const uint TYPE = 0u;
layout(constant_id = 2) const uint HAS_BIAS = 0u;
layout(constant_id = 3) const uint ACTIVATION = 99u;
layout(constant_id = 4) const uint HAS_RESIDUAL = 0u;
layout(constant_id = 5) const int ROWS = 8;
layout(constant_id = 6) const int COLUMNS = 4;
layout(constant_id = 7) const uint NARROW = 0u;  // b starts eight bytes behind a multiple of 16: a texel is half as wide

layout(binding = 8) uniform samplerBuffer a;
layout(binding = 9) uniform usamplerBuffer b;
OUTPUT(O, float, o);
#include "epilogue.glsl"
#include "batch.glsl"

uvec4 fetched(uint i) {
  if (NARROW == 0u) return texelFetch(b, int(i));
  return uvec4(texelFetch(b, int(2u * i + 1u)).xy, texelFetch(b, int(2u * i + 2u)).xy);
}

// Numbers 0...3 (part 0) and 4...7 (part 1) of sixteen bytes; f32 has only the former.
vec4 unpacked(uvec4 w, int part) {
  if (TYPE == F32) return uintBitsToFloat(w);
  uvec2 half_ = part == 0 ? w.xy : w.zw;
  if (TYPE == F16) return vec4(unpackHalf2x16(half_.x), unpackHalf2x16(half_.y));
  return uintBitsToFloat(uvec4(half_.x << 16u, half_.x & 0xffff0000u, half_.y << 16u, half_.y & 0xffff0000u));
}

void main() {
  uint m = P(0u), n = P(1u);
  const uint PARTS = TYPE == F32 ? 1u : 2u;
  uint steps = P(2u) / (4u * PARTS);
  uint width = gl_WorkGroupSize.x * uint(COLUMNS);
  uint across = (n + width - 1u) / width, down = (m + uint(ROWS) - 1u) / uint(ROWS);
  uint rest = group() / across;
  uint column = (group() - rest * across) * width + gl_LocalInvocationID.x;
  uint batch = rest / down;
  uint row = (rest - batch * down) * uint(ROWS);
  uvec4 at = batchPlaces(batch);
  uint mine[ROWS], theirs[COLUMNS];
  float sums[ROWS][COLUMNS];
  [[unroll]] for (int r = 0; r < ROWS; r++) mine[r] = at.x + min(row + uint(r), m - 1u) * P(10u);
  [[unroll]] for (int j = 0; j < COLUMNS; j++) theirs[j] = at.y + min(column + uint(j) * gl_WorkGroupSize.x, n - 1u) * P(13u);
  [[unroll]] for (int r = 0; r < ROWS; r++) {
    [[unroll]] for (int j = 0; j < COLUMNS; j++) sums[r][j] = 0.0;
  }
  for (uint k = 0u; k < steps; k++) {
    uvec4 words[COLUMNS];
    [[unroll]] for (int j = 0; j < COLUMNS; j++) words[j] = fetched(theirs[j] + k);
    [[unroll]] for (int part = 0; part < int(PARTS); part++) {
      vec4 w[COLUMNS];
      [[unroll]] for (int j = 0; j < COLUMNS; j++) w[j] = unpacked(words[j], part);
      [[unroll]] for (int r = 0; r < ROWS; r++) {
        vec4 x = texelFetch(a, int(mine[r] + k * PARTS + uint(part)));
        [[unroll]] for (int j = 0; j < COLUMNS; j++) {
          float sum = sums[r][j];
          [[unroll]] for (int c = 0; c < 4; c++) sum = fma(x[c], w[j][c], sum);
          sums[r][j] = sum;
        }
      }
    }
  }
  [[unroll]] for (int r = 0; r < ROWS; r++) {
    [[unroll]] for (int j = 0; j < COLUMNS; j++) {
      uint y = row + uint(r), x = column + uint(j) * gl_WorkGroupSize.x;
      if (y < m && x < n) o[at.z + y * P(11u) + x] = finished(sums[r][j], P(8u) + x, at.w + y * P(12u) + x);
    }
  }
}
