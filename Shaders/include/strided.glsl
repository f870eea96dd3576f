// Elements of strided views: parameters 0 count, 1 rank, 2... first elements of three operands and the output, 8... sizes,
// 16... 24... 32... 40... their strides per axis.
uvec4 places(uint i) {
  uvec4 place = uvec4(P(2u), P(3u), P(4u), P(5u));
  for (uint axis = P(1u) - 1u; axis > 0u; axis--) {
    uint size = P(8u + axis);
    uint next = i / size;
    place += (i - next * size) * uvec4(P(16u + axis), P(24u + axis), P(32u + axis), P(40u + axis));
    i = next;
  }
  return place + i * uvec4(P(16u), P(24u), P(32u), P(40u));
}
