// One number out of quantised blocks in storage buffers, for kernels that read them one by one. WORDS is the array with the
// blocks' whole numbers; their half-precision scales are in `sides`, where a type does not keep them among the numbers.
// Parameters: 56 first word of WORDS, 57 first half of `sides`.
BUFFER(4, SideBlock, uint, sides);

uint byteAt(uint word, uint byte_) { return bitfieldExtract(WORDS[P(56u) + word + (byte_ >> 2u)], int((byte_ & 3u) << 3u), 8); }

float sideAt(uint half_) {
  uint i = P(57u) + half_;
  return fromF16(bitfieldExtract(sides[i >> 1u], int((i & 1u) << 4u), 16));
}

// The scale and the offset of a group of Q4_K and Q5_K, from the block's first word on.
vec2 groupScales(uint word, uint g) {
  vec2 d = unpackHalf2x16(WORDS[P(56u) + word]);
  uint low = byteAt(word + 1u, g & 3u), middle = byteAt(word + 2u, g & 3u), high = byteAt(word + 3u, g & 3u);
  uint scale = g < 4u ? low & 63u : (high & 15u) | (low >> 6u) << 4u;
  uint least = g < 4u ? middle & 63u : high >> 4u | (middle >> 6u) << 4u;
  return vec2(d.x * float(scale), d.y * float(least));
}

// Element i, counted from the first block.
float blockElement(uint type, uint i) {
  uint block = i >> 5u, at = i & 31u;
  if (type == Q8_0) return float(bitfieldExtract(int(byteAt(block * 8u, at)), 0, 8)) * sideAt(block);
  if (type == Q4_0 || type == Q4_1) {
    uint q = byteAt(block * 4u, at & 15u) >> (at & 16u) / 4u & 15u;
    return type == Q4_0 ? float(int(q) - 8) * sideAt(block) : float(q) * sideAt(2u * block) + sideAt(2u * block + 1u);
  }
  block = i >> 8u;
  uint g = i >> 5u & 7u;
  if (type == Q6_K) {
    uint word = block * 52u, part = g >> 2u, quarter = g & 3u;
    uint four = byteAt(word, part * 64u + (quarter & 1u) * 32u + at) >> quarter / 2u * 4u & 15u;
    uint two = byteAt(word, 128u + part * 32u + at) >> quarter * 2u & 3u;
    int scale = bitfieldExtract(int(byteAt(word, 192u + part * 8u + quarter * 2u + at / 16u)), 0, 8);
    return sideAt(block) * float(scale) * float(int(four | two << 4u) - 32);
  }
  bool isFive = type == Q5_K;
  uint word = block * (isFive ? 44u : 36u);
  vec2 scales = groupScales(word, g);
  uint q = byteAt(word, (isFive ? 48u : 16u) + g / 2u * 32u + at) >> (g & 1u) * 4u & 15u;
  if (isFive) q |= (byteAt(word, 16u + at) >> g & 1u) << 4u;
  return scales.x * float(q) - scales.y;
}
