#version 460
#include "common.glsl"
#include "types.glsl"
#include "math.glsl"
// Attention for a processor's driver: as attention.comp, with keys and values through texel buffers of four numbers, and
// QUERIES neighbouring queries per work item, which share what is fetched. Places and strides of keys and values count in
// texels; the other parameters are those of attention.comp.
layout(constant_id = 1) const uint TYPE = 0u;
layout(constant_id = 2) const uint FOURS = 16u;
layout(constant_id = 3) const uint PLAIN = 1u;
layout(constant_id = 4) const int QUERIES = 4;

layout(binding = 8) uniform usamplerBuffer k;
layout(binding = 9) uniform usamplerBuffer v;
BUFFER(0, Q, float, q);
BUFFER(3, At, int, positions);
BUFFER(4, Bias, float, bias);
OUTPUT(O, float, o);

const float NEVER = -3.0e38;

vec4 unpacked(uvec4 w) {
  if (TYPE == F32) return uintBitsToFloat(w);
  if (TYPE == F16) return vec4(unpackHalf2x16(w.x), unpackHalf2x16(w.y));
  return uintBitsToFloat(uvec4(w.x << 16u, w.x & 0xffff0000u, w.y << 16u, w.y & 0xffff0000u));
}

void main() {
  uint queries = P(1u), heads = P(2u), keys = P(3u), width = P(4u), valueWidth = P(5u);
  uint runs = (queries + uint(QUERIES) - 1u) / uint(QUERIES);
  uint unit = item();
  if (unit >= P(0u) * heads * runs) return;
  uint rest = unit / runs;
  uint first = (unit - rest * runs) * uint(QUERIES);
  uint batch = rest / heads;
  uint head = rest - batch * heads;
  uint keyHead = head / P(6u);
  uint kAt = P(9u) + batch * P(21u) + keyHead * P(23u);
  uint vAt = P(10u) + batch * P(24u) + keyHead * P(26u);
  float scale = PF(14u), softcap = PF(16u);

  int begin = int(keys), end = 0;
  int begins[QUERIES], ends[QUERIES];
  uint ts[QUERIES];
  vec4 query[QUERIES][FOURS], sums[QUERIES][FOURS];
  float peak[QUERIES], total[QUERIES];
  [[unroll]] for (int r = 0; r < QUERIES; r++) {
    uint t = min(first + uint(r), queries - 1u);
    ts[r] = t;
    begins[r] = 0;
    ends[r] = int(keys);
    if ((P(17u) & 1u) != 0u) {
      int position = positions[P(11u) + batch * queries + t];
      ends[r] = min(ends[r], position + 1);
      if (P(15u) > 0u) begins[r] = max(0, position - int(P(15u)) + 1);
    }
    begin = min(begin, begins[r]);
    end = max(end, ends[r]);
    uint qAt = P(8u) + batch * P(18u) + t * P(19u) + head * P(20u);
    [[unroll]] for (uint f = 0u; f < FOURS; f++) {
      [[unroll]] for (int c = 0; c < 4; c++) query[r][f][c] = 4u * f + uint(c) < width ? q[qAt + 4u * f + uint(c)] * scale : 0.0;
      sums[r][f] = vec4(0.0);
    }
    peak[r] = NEVER;
    total[r] = 0.0;
  }
  for (int j = begin; j < end; j++) {
    int at = int(kAt + uint(j) * P(22u));
    vec4 dots[QUERIES];
    [[unroll]] for (int r = 0; r < QUERIES; r++) dots[r] = vec4(0.0);
    [[unroll]] for (uint f = 0u; f < FOURS; f++) {
      // What lies behind a narrow head is another's, or nothing.
      vec4 key = unpacked(texelFetch(k, at + int(min(4u * f, width - 4u) / 4u)));
      [[unroll]] for (int r = 0; r < QUERIES; r++) dots[r] = fma(query[r][f], key, dots[r]);
    }
    float keep[QUERIES], weight[QUERIES];
    [[unroll]] for (int r = 0; r < QUERIES; r++) {
      float score = (dots[r].x + dots[r].y) + (dots[r].z + dots[r].w);
      if (PLAIN == 0u) {
        if (softcap > 0.0) score = softcap * tanhOf(score / softcap);
        if ((P(17u) & 2u) != 0u) score += bias[P(12u) + batch * P(27u) + ts[r] * P(28u) + head * P(29u) + uint(j)];
      }
      bool isSeen = j >= begins[r] && j < ends[r] && (score > NEVER || isNan(score));
      bool isHigher = isSeen && isGreater(score, peak[r]);
      // One of the two factors is always 1.
      float e = expOf(isHigher ? peak[r] - score : score - peak[r]);
      keep[r] = isHigher ? e : 1.0;
      weight[r] = isSeen ? (isHigher ? 1.0 : e) : 0.0;
      peak[r] = isHigher ? score : peak[r];
      total[r] = total[r] * keep[r] + weight[r];
    }
    at = int(vAt + uint(j) * P(25u));
    [[unroll]] for (uint f = 0u; f < FOURS; f++) {
      vec4 value = unpacked(texelFetch(v, at + int(min(4u * f, valueWidth - 4u) / 4u)));
      [[unroll]] for (int r = 0; r < QUERIES; r++) sums[r][f] = fma(value, vec4(weight[r]), sums[r][f] * keep[r]);
    }
  }
  [[unroll]] for (int r = 0; r < QUERIES; r++) {
    uint t = first + uint(r);
    float share = total[r] == 0.0 ? 0.0 : 1.0 / total[r];
    uint to = P(13u) + batch * P(31u) + t * P(32u) + head * P(33u);
    [[unroll]] for (uint f = 0u; f < FOURS; f++) {
      [[unroll]] for (int c = 0; c < 4; c++) {
        if (t < queries && 4u * f + uint(c) < valueWidth) o[to + 4u * f + uint(c)] = sums[r][f][c] * share;
      }
    }
  }
}
