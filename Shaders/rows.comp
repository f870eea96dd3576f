#version 460
#include "common.glsl"
#include "types.glsl"
#include "cast.glsl"
// Rows by their ids: out of a table, or into a target where SCATTER. Parameters: 0 elements, 1 elements of a row, 2 rows
// that ids may name, 3 what a bad id is reported as, 4 and 5 the window of rows that is bound, 6 7 8 first elements of
// ids, source and output, 9 10 strides between their rows, 11 axes of the ids, 12 axes of a row, 16... 24... sizes and
// strides of the ids, 32... 40... 48... sizes and strides within a row; those of blocks.glsl.
layout(constant_id = 1) const uint SCATTER = 0u;
layout(constant_id = 2) const uint FROM = 0u;
layout(constant_id = 3) const uint TO = 0u;

BUFFER(0, A, uint, a);
BUFFER(1, B, uint, ids);
OUTPUT(O, uint, o);
#define WORDS a
#include "blocks.glsl"

void main() {
  uint i = item();
  if (i >= P(0u)) return;
  uint row = i / P(1u);
  uint column = i - row * P(1u);
  uint place = P(6u);
  uint rest = row;
  for (uint axis = P(11u); axis > 0u; axis--) {
    uint next = rest / P(15u + axis);
    place += (rest - next * P(15u + axis)) * P(23u + axis);
    rest = next;
  }
  uint id = ids[place];
  if (id >= P(2u)) {
    if (atomicCompSwap(flags[0], 0u, P(3u)) == 0u) flags[1] = id;
    return;
  }
  // Rows of another piece of a large table.
  if (id < P(4u) || id >= P(5u)) return;
  id -= P(4u);
  uint from = P(7u) + (SCATTER == 0u ? id : row) * P(9u);
  uint to = P(8u) + (SCATTER == 0u ? row : id) * P(10u);
  rest = column;
  for (uint axis = P(12u); axis > 0u; axis--) {
    uint next = rest / P(31u + axis);
    uint at = rest - next * P(31u + axis);
    from += at * P(39u + axis);
    to += at * P(47u + axis);
    rest = next;
  }
  uint bits;
  if (FROM >= Q8_0) {
    bits = castBits(F32, TO, floatBitsToUint(blockElement(FROM, from)));
  } else {
    bits = castBits(FROM, TO, ELEMENT(a, sizeOf(FROM), from));
  }
  STORE(o, sizeOf(TO), to, bits);
}
