// First elements of a, b, output and residual for one of a product's batches.
uvec4 batchPlaces(uint batch) {
  uvec4 at = uvec4(P(5u), P(6u), P(7u), P(9u));
  for (uint axis = P(4u); axis > 0u; axis--) {
    uint next = batch / P(15u + axis);
    at += (batch - next * P(15u + axis)) * uvec4(P(23u + axis), P(31u + axis), P(39u + axis), P(47u + axis));
    batch = next;
  }
  return at;
}
