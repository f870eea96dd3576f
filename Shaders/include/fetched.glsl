// out [m, n] = a [m, k] bᵀ with rows of b in memory order, for a processor's driver: all operands come through texel
// buffers, whose fetches such drivers turn into vector loads, where storage buffers are read number by number. ROWS x COLUMNS
// sums per work item; neighbouring items have neighbouring columns. Terms go by 32: eight texels of a, a block or a part of
// one of b. Where SHUFFLED is defined, a subgroup's eight items fetch one of these texels each and hand them round: a fetch
// is some forty instructions, whatever it brings, and a handing round two.
//
// Parameters as in product.comp, but the places and strides of a and b count in texels: four numbers of a, 16 bytes of b.
// Of quantised b they count in blocks; 14 and 15 are its first texels and those of `side`, where its scales are. 56 is the
// output's step from column to column.
layout(constant_id = 1) const uint TYPE = 0u;
layout(constant_id = 2) const uint HAS_BIAS = 0u;
layout(constant_id = 3) const uint ACTIVATION = 99u;
layout(constant_id = 4) const uint HAS_RESIDUAL = 0u;
layout(constant_id = 5) const int ROWS = 4;
layout(constant_id = 6) const int COLUMNS = 4;
layout(constant_id = 7) const uint NARROW = 0u;  // b or its rows start eight bytes behind a multiple of 16: texels and strides are half as wide

layout(binding = 8) uniform samplerBuffer a;
layout(binding = 9) uniform usamplerBuffer b;
layout(binding = 10) uniform samplerBuffer side;
OUTPUT(O, float, o);
#include "epilogue.glsl"
#include "batch.glsl"

const bool IS_PLAIN = TYPE < Q8_0;
const bool IS_K = TYPE >= Q4_K;
// Whether a sum needs the sum of a's numbers: weights are scale * number + offset.
const bool HAS_OFFSET = TYPE == Q4_0 || TYPE == Q4_1 || TYPE == Q4_K || TYPE == Q5_K;
// Texels of a for each texel of b.
const int PER = TYPE == F32 ? 1 : TYPE <= BF16 ? 2 : TYPE == Q4_0 || TYPE == Q4_1 ? 8 : 4;

// Parameters that loops use: a read of one is far from free.
uint firstNumbers, firstSides;

// Sixteen bytes of a row that starts `at` there.
uvec4 fetched(uint at, uint i) {
  if (NARROW == 0u) return texelFetch(b, int(at + i));
  return uvec4(texelFetch(b, int(at + 2u * i)).xy, texelFetch(b, int(at + 2u * i + 1u)).xy);
}

// The part-th texel of 32 weights, the t-th of a row that starts `at` there.
uvec4 wordsOf(uint at, uint t, uint part) {
  if (IS_PLAIN) return fetched(at, t * uint(8 / PER) + part);
  if (TYPE == Q8_0) return texelFetch(b, int(firstNumbers + (at + t) * 2u + part));
  if (!IS_K) return texelFetch(b, int(firstNumbers + at + t));
  uint block = at + t / 8u, g = t & 7u;
  if (TYPE == Q4_K) return texelFetch(b, int(firstNumbers + block * 9u + 1u + g / 2u * 2u + part));
  if (TYPE == Q5_K) return texelFetch(b, int(firstNumbers + block * 11u + 3u + g / 2u * 2u + part));
  return texelFetch(b, int(firstNumbers + block * 13u + g / 4u * 4u + (g & 1u) * 2u + part));
}

// Upper bits of the same weights, shifted to where four(...) wants them.
uvec4 upperOf(uint at, uint t, uint part) {
  uint block = at + t / 8u, g = t & 7u;
  if (TYPE == Q5_K) return (texelFetch(b, int(firstNumbers + block * 11u + 1u + part)) >> g & 0x01010101u) << 4u;
  if (TYPE == Q6_K) return (texelFetch(b, int(firstNumbers + block * 13u + 8u + g / 4u * 2u + part)) >> 2u * (g & 3u) & 0x03030303u) << 4u;
  return uvec4(0u);
}

// Scale and offset of these 32 weights; of Q6_K the scales of either half.
vec2 scalesOf(uint at, uint t) {
  if (IS_PLAIN) return vec2(1.0, 0.0);
  if (TYPE == Q4_1) return texelFetch(side, int(firstSides + at + t)).xy;
  if (!IS_K) {
    float d = texelFetch(side, int(firstSides + at + t)).x;
    return vec2(d, TYPE == Q4_0 ? -8.0 * d : 0.0);
  }
  uint block = at + t / 8u, g = t & 7u;
  if (TYPE == Q6_K) {
    uvec4 all = texelFetch(b, int(firstNumbers + block * 13u + 12u));
    uvec2 half_ = g < 4u ? all.xy : all.zw;
    int two = int(((g & 2u) == 0u ? half_.x : half_.y) >> 16u * (g & 1u));
    return texelFetch(side, int(firstSides + block)).x * vec2(bitfieldExtract(two, 0, 8), bitfieldExtract(two, 8, 8));
  }
  uvec4 head = texelFetch(b, int(firstNumbers + block * (TYPE == Q4_K ? 9u : 11u)));
  vec2 d = unpackHalf2x16(head.x);
  uvec3 bytes = head.yzw >> 8u * (g & 3u) & 255u;
  uint scale = g < 4u ? bytes.x & 63u : (bytes.z & 15u) | (bytes.x >> 6u) << 4u;
  uint least = g < 4u ? bytes.y & 63u : bytes.z >> 4u | (bytes.y >> 6u) << 4u;
  return vec2(d.x * float(scale), -d.y * float(least));
}

// The weights that meet the i-th of eight texels of a. Small numbers stay where they are in a word: `placed` has the powers
// of two that a's numbers are multiplied by for that.
vec4 four(uvec4 words, uvec4 upper, int i, uint t) {
  if (TYPE == F32) return uintBitsToFloat(words);
  if (IS_PLAIN) {
    uvec2 w = (i & 1) == 0 ? words.xy : words.zw;
    if (TYPE == F16) return vec4(unpackHalf2x16(w.x), unpackHalf2x16(w.y));
    return uintBitsToFloat(uvec4(w.x << 16u, w.x & 0xffff0000u, w.y << 16u, w.y & 0xffff0000u));
  }
  uint w = words[i & 3];
  if (TYPE == Q8_0) return vec4(ivec4(w << 24u, w << 16u, w << 8u, w) >> 24);
  if (!IS_K) {
    return i < 4 ? vec4(ivec4(w & 0xfu, w & 0xf00u, w & 0xf0000u, w & 0xf000000u)) : vec4(ivec4(w & 0xf0u, w & 0xf000u, w & 0xf00000u, w >> 28u));
  }
  w >>= TYPE == Q6_K ? (t & 2u) * 2u : (t & 1u) * 4u;
  if (TYPE == Q4_K) return vec4(ivec4(w & 0xfu, w & 0xf00u, w & 0xf0000u, w & 0xf000000u));
  w = (w & 0x0f0f0f0fu) | upper[i & 3];
  ivec4 v = ivec4(w & 0xffu, w & 0xff00u, w & 0xff0000u, w & 0xff000000u);
  if (TYPE == Q6_K) v -= ivec4(0x20, 0x2000, 0x200000, 0x20000000);
  return vec4(v);
}

vec4 placed(uint i) {
  if (IS_PLAIN || TYPE == Q8_0) return vec4(1.0);
  vec4 bytes = vec4(1.0, 1.0 / 256.0, 1.0 / 65536.0, 1.0 / 16777216.0);
  if (IS_K || i < 4u) return bytes;
  return vec4(bytes.xyz / 16.0, 1.0);
}

void main() {
  uint m = P(0u), n = P(1u), terms = P(2u);
  firstNumbers = P(14u);
  firstSides = P(15u);
  uint width = gl_WorkGroupSize.x * uint(COLUMNS);
  uint across = (n + width - 1u) / width, down = (m + uint(ROWS) - 1u) / uint(ROWS);
  uint rest = group() / across;
  uint column = (group() - rest * across) * width + gl_LocalInvocationID.x;
  uint batch = rest / down;
  uint row = (rest - batch * down) * uint(ROWS);
  uvec4 at = batchPlaces(batch);
  uint mine[ROWS], theirs[COLUMNS];
  float parts[ROWS][COLUMNS], sums[ROWS][COLUMNS];
  [[unroll]] for (int r = 0; r < ROWS; r++) mine[r] = at.x + min(row + uint(r), m - 1u) * P(10u);
  [[unroll]] for (int j = 0; j < COLUMNS; j++) theirs[j] = at.y + min(column + uint(j) * gl_WorkGroupSize.x, n - 1u) * P(13u);
  [[unroll]] for (int r = 0; r < ROWS; r++) {
    [[unroll]] for (int j = 0; j < COLUMNS; j++) parts[r][j] = sums[r][j] = 0.0;
  }
#ifdef SHUFFLED
  uint lane = gl_SubgroupInvocationID;
  vec4 places = placed(lane);
#endif
  uint chunks = terms / 32u;
  for (uint t = 0u; t < chunks; t++) {
    float totals[ROWS];
    vec2 scales[COLUMNS];
    uvec4 words[COLUMNS], upper[COLUMNS];
    [[unroll]] for (int j = 0; j < COLUMNS; j++) scales[j] = scalesOf(theirs[j], t);
#ifdef SHUFFLED
    vec4 shared_[ROWS];
    [[unroll]] for (int r = 0; r < ROWS; r++) {
      vec4 x = texelFetch(a, int(mine[r] + t * 8u + lane));
      if (HAS_OFFSET) {
        float total = (x.x + x.y) + (x.z + x.w);
        total += subgroupShuffle(total, lane ^ 1u);
        total += subgroupShuffle(total, lane ^ 2u);
        totals[r] = total + subgroupShuffle(total, lane ^ 4u);
      }
      shared_[r] = IS_PLAIN || TYPE == Q8_0 ? x : x * places;
    }
#else
    [[unroll]] for (int r = 0; r < ROWS; r++) totals[r] = 0.0;
#endif
    [[unroll]] for (int i = 0; i < 8; i++) {
      if (i % PER == 0) {
        [[unroll]] for (int j = 0; j < COLUMNS; j++) {
          words[j] = wordsOf(theirs[j], t, uint(i / PER));
          upper[j] = upperOf(theirs[j], t, uint(i / PER));
        }
      }
      vec4 w[COLUMNS];
      [[unroll]] for (int j = 0; j < COLUMNS; j++) w[j] = four(words[j], upper[j], i, t);
      [[unroll]] for (int r = 0; r < ROWS; r++) {
#ifdef SHUFFLED
        vec4 x;
        [[unroll]] for (int c = 0; c < 4; c++) x[c] = subgroupShuffle(shared_[r][c], uint(i));
#else
        vec4 x = texelFetch(a, int(mine[r] + t * 8u + uint(i)));
        if (HAS_OFFSET) totals[r] += (x.x + x.y) + (x.z + x.w);
        if (!IS_PLAIN && TYPE != Q8_0) x *= placed(uint(i));
#endif
        [[unroll]] for (int j = 0; j < COLUMNS; j++) {
          float part = parts[r][j];
          [[unroll]] for (int c = 0; c < 4; c++) part = fma(x[c], w[j][c], part);
          parts[r][j] = part;
        }
      }
      if (!IS_PLAIN && (i == 7 || TYPE == Q6_K && i == 3)) {
        [[unroll]] for (int r = 0; r < ROWS; r++) {
          [[unroll]] for (int j = 0; j < COLUMNS; j++) {
            float sum = fma(parts[r][j], TYPE == Q6_K && i == 7 ? scales[j].y : scales[j].x, sums[r][j]);
            sums[r][j] = HAS_OFFSET ? fma(totals[r], scales[j].y, sum) : sum;
            parts[r][j] = 0.0;
          }
        }
      }
    }
  }
  if (IS_PLAIN) {
    // What is left of a row that is no multiple of 32, by texels of a.
    for (uint k = chunks * 8u; k < terms / 4u; k++) {
      vec4 w[COLUMNS];
      [[unroll]] for (int j = 0; j < COLUMNS; j++) {
        uvec4 words = PER == 1 ? fetched(theirs[j], k) : texelFetch(b, int(theirs[j] + (NARROW == 0u ? k / 2u : k)));
        if (PER == 2 && NARROW == 0u && (k & 1u) != 0u) words.xy = words.zw;
        w[j] = four(words, uvec4(0u), 0, 0u);
      }
      [[unroll]] for (int r = 0; r < ROWS; r++) {
        vec4 x = texelFetch(a, int(mine[r] + k));
        [[unroll]] for (int j = 0; j < COLUMNS; j++) {
          [[unroll]] for (int c = 0; c < 4; c++) parts[r][j] = fma(x[c], w[j][c], parts[r][j]);
        }
      }
    }
  }
  [[unroll]] for (int r = 0; r < ROWS; r++) {
    [[unroll]] for (int j = 0; j < COLUMNS; j++) {
      uint y = row + uint(r), x = column + uint(j) * gl_WorkGroupSize.x;
      float sum = IS_PLAIN ? parts[r][j] : sums[r][j];
      if (y < m && x < n) o[at.z + y * P(11u) + x * P(56u)] = finished(sum, P(8u) + x, at.w + y * P(12u) + x);
    }
  }
}
