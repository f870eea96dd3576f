#version 460
#include "common.glsl"
#include "types.glsl"
// Rows added to a target's rows by their ids, in their order: a column per work item, so that equal ids meet nobody.
// Parameters as in rows.comp; 0 rows.
BUFFER(0, A, float, a);
BUFFER(1, B, uint, ids);
OUTPUT(O, float, o);

void main() {
  uint column = item();
  if (column >= P(1u)) return;
  uint from = P(7u), to = P(8u), rest = column;
  for (uint axis = P(12u); axis > 0u; axis--) {
    uint next = rest / P(31u + axis);
    uint at = rest - next * P(31u + axis);
    from += at * P(39u + axis);
    to += at * P(47u + axis);
    rest = next;
  }
  for (uint row = 0u; row < P(0u); row++) {
    uint id = ids[P(6u) + row * P(24u)];
    if (id < P(2u)) {
      o[to + id * P(10u)] += a[from + row * P(9u)];
    } else if (atomicCompSwap(flags[0], 0u, P(3u)) == 0u) {
      flags[1] = id;
    }
  }
}
