// Stored types by the numbers of AviaryTensor.DType. Elements narrower than a word are read and written within words, so
// that no 8- or 16-bit storage feature is needed.
const uint F32 = 0u, F16 = 1u, BF16 = 2u, I32 = 3u, U8 = 5u, BOOL = 6u, I16 = 8u, I8 = 9u;
// Blocks of whole numbers with scales, as Planes.swift lays them; all from Q8_0 on are.
const uint Q8_0 = 10u, Q4_0 = 11u, Q4_1 = 12u, Q4_K = 17u, Q5_K = 18u, Q6_K = 19u;

uint sizeOf(uint dtype) {
  return dtype == F32 || dtype == I32 ? 4u : dtype == F16 || dtype == BF16 || dtype == I16 ? 2u : 1u;
}

// The bits of element i of `words`, an array of elements of 1, 2 or 4 bytes.
#define ELEMENT(words, size, i)                                                       \
  ((size) == 4u   ? words[i]                                                          \
   : (size) == 2u ? bitfieldExtract(words[(i) >> 1u], int(((i) & 1u) << 4u), 16)      \
                  : bitfieldExtract(words[(i) >> 2u], int(((i) & 3u) << 3u), 8))

// Neighbours in a word belong to other work items: two atomic steps on disjoint bits commute with theirs.
#define STORE(words, size, i, bits)                                                   \
  {                                                                                   \
    if ((size) == 4u) {                                                               \
      words[i] = bits;                                                                \
    } else {                                                                          \
      uint word_ = (size) == 2u ? (i) >> 1u : (i) >> 2u;                              \
      uint shift_ = (size) == 2u ? ((i) & 1u) << 4u : ((i) & 3u) << 3u;               \
      uint mask_ = ((size) == 2u ? 0xffffu : 0xffu) << shift_;                        \
      atomicAnd(words[word_], ~mask_);                                                \
      atomicOr(words[word_], ((bits) << shift_) & mask_);                             \
    }                                                                                 \
  }

bool isNan(float x) { return (floatBitsToUint(x) & 0x7fffffffu) > 0x7f800000u; }

// NaN counts as the largest.
bool isGreater(float a, float b) { return a > b || (isNan(a) && !isNan(b)); }

float fromF16(uint bits) { return unpackHalf2x16(bits).x; }
float fromBF16(uint bits) { return uintBitsToFloat(bits << 16u); }

// Rounds to nearest even.
uint toF16(float x) {
  uint u = floatBitsToUint(x);
  uint sign = (u >> 16u) & 0x8000u;
  uint m = u & 0x7fffffffu;
  if (m > 0x7f800000u) return sign | 0x7e00u;
  if (m >= 0x47800000u) return sign | 0x7c00u;
  if (m < 0x38800000u) return sign | uint(roundEven(uintBitsToFloat(m) * 16777216.0));
  return sign | ((m + 0xfffu + ((m >> 13u) & 1u) - 0x38000000u) >> 13u);
}

uint toBF16(float x) {
  uint u = floatBitsToUint(x);
  if (isNan(x)) return (u >> 16u) | 0x40u;
  return (u + 0x7fffu + ((u >> 16u) & 1u)) >> 16u;
}

bool isFloatType(uint dtype) { return dtype <= BF16; }

float toFloat(uint dtype, uint bits) {
  if (dtype == F32) return uintBitsToFloat(bits);
  if (dtype == F16) return fromF16(bits);
  if (dtype == BF16) return fromBF16(bits);
  if (dtype == I8) return float(bitfieldExtract(int(bits), 0, 8));
  if (dtype == I16) return float(bitfieldExtract(int(bits), 0, 16));
  if (dtype == I32) return float(int(bits));
  return float(bits);
}

int toInt(uint dtype, uint bits) {
  if (dtype == I8) return bitfieldExtract(int(bits), 0, 8);
  if (dtype == I16) return bitfieldExtract(int(bits), 0, 16);
  return int(bits);
}
