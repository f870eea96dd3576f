// The bits of a value of one type in another: floats to integers truncate and saturate, to 16 bits round to nearest even.
uint castBits(uint from, uint to, uint bits) {
  if (from == to) return bits;
  if (to == BOOL) return (isFloatType(from) ? toFloat(from, bits) != 0.0 : bits != 0u) ? 1u : 0u;
  if (isFloatType(to)) {
    float x = toFloat(from, bits);
    return to == F32 ? floatBitsToUint(x) : to == F16 ? toF16(x) : toBF16(x);
  }
  int low = to == I32 ? -2147483647 - 1 : to == I16 ? -32768 : to == I8 ? -128 : 0;
  int high = to == I32 ? 2147483647 : to == I16 ? 32767 : to == I8 ? 127 : 255;
  int value;
  if (isFloatType(from)) {
    float x = toFloat(from, bits);
    value = isNan(x) ? 0 : x >= 2147483648.0 ? high : x <= -2147483648.0 ? low : int(x);
  } else {
    value = toInt(from, bits);
  }
  return uint(clamp(value, low, high));
}
