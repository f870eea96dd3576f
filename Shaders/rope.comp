#version 460
#include "common.glsl"
#include "types.glsl"
#include "math.glsl"
#include "strided.glsl"
// Rotary positions, an element per work item. Parameters behind those of the views: 48 width, 49 elements of a position,
// 50 dimensions that turn, 51 whether pairs are neighbours, 52 factor.
BUFFER(0, A, float, a);
BUFFER(1, B, int, positions);
BUFFER(2, C, float, frequencies);
OUTPUT(O, float, o);

void main() {
  uint i = item();
  if (i >= P(0u)) return;
  uvec4 at = places(i);
  uint column = i % P(48u);
  uint rotary = P(50u);
  float x = a[at.x];
  if (column >= rotary) {
    o[at.w] = x;
    return;
  }
  bool neighbours = P(51u) != 0u;
  uint pairs = rotary / 2u;
  bool isFirst = neighbours ? (column & 1u) == 0u : column < pairs;
  uint pair = neighbours ? column / 2u : isFirst ? column : column - pairs;
  uint apart = neighbours ? 1u : pairs;
  float other = a[isFirst ? at.x + apart : at.x - apart];
  precise float angle = float(positions[P(3u) + i / P(49u)]) * frequencies[P(4u) + pair];
  vec2 turn = sinCosOf(angle) * PF(52u);
  o[at.w] = isFirst ? x * turn.y - other * turn.x : x * turn.y + other * turn.x;
}
