// The weight of a product that is element i of b, of any type that weights have.
#define WORDS b
#include "blocks.glsl"

float weightAt(uint i) {
  if (TYPE >= Q8_0) return blockElement(TYPE, i);
  return toFloat(TYPE, ELEMENT(b, sizeOf(TYPE), i));
}
