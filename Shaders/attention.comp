#version 460
#include "common.glsl"
#include "types.glsl"
#include "math.glsl"
// Attention of one query of one head with a running softmax (Milakov and Gimelshein 2018): no matrix of scores in memory.
// LANES work items share a query, each with every LANES-th key, and join their sums at the end.
// Parameters: 0 batches, 1 queries, 2 heads, 3 keys, 4 width, 5 width of values, 6 heads of a key's head, 7 first query,
// 8 9 10 11 12 13 first elements of q, k, v, positions, bias and output, 14 scale, 15 window, 16 softcap, 17 which of positions (1)
// and bias (2) there are, 18... 21... 24... 27... strides of q, k, v by batch, row and head and of the bias by batch, row and head,
// 30 queries in this piece, 31 strides of the output by batch, row and head.
layout(constant_id = 1) const uint TYPE = 0u;
layout(constant_id = 2) const uint FOURS = 16u;   // of the wider of a key and a value
layout(constant_id = 3) const uint PLAIN = 1u;    // no bias, window or softcap
layout(constant_id = 4) const uint LANES = 1u;
#include "lanes.glsl"

BUFFER(0, Q, float, q);
BUFFER(1, K, uint, k);
BUFFER(2, V, uint, v);
BUFFER(3, At, int, positions);
BUFFER(4, Bias, float, bias);
OUTPUT(O, float, o);

const float NEVER = -3.0e38;

void main() {
  uint unit = LANES == 1u ? item() : group();
  uint queries = P(1u), heads = P(2u), keys = P(3u), width = P(4u), valueWidth = P(5u), here = P(30u);
  if (unit >= P(0u) * heads * here) return;
  // Queries vary fastest, so that neighbours read the same keys.
  uint rest = unit / here;
  uint t = unit - rest * here + P(7u);
  uint batch = rest / heads;
  uint head = rest - batch * heads;
  uint keyHead = head / P(6u);

  uint qAt = P(8u) + batch * P(18u) + t * P(19u) + head * P(20u);
  uint kAt = P(9u) + batch * P(21u) + keyHead * P(23u);
  uint vAt = P(10u) + batch * P(24u) + keyHead * P(26u);
  uint kRow = P(22u), vRow = P(25u);
  uint biasAt = P(12u) + batch * P(27u) + t * P(28u) + head * P(29u);
  float scale = PF(14u), softcap = PF(16u);

  int end = int(keys), begin = 0;
  if ((P(17u) & 1u) != 0u) {
    int position = positions[P(11u) + batch * queries + t];
    end = min(end, position + 1);
    if (P(15u) > 0u) begin = max(0, position - int(P(15u)) + 1);
  }

  vec4 query[FOURS], sums[FOURS];
  [[unroll]] for (uint f = 0u; f < FOURS; f++) {
    [[unroll]] for (int c = 0; c < 4; c++) query[f][c] = 4u * f + uint(c) < width ? q[qAt + 4u * f + uint(c)] * scale : 0.0;
    sums[f] = vec4(0.0);
  }
  float peak = NEVER, total = 0.0;
  for (int j = begin + int(myLane()); j < end; j += int(LANES)) {
    uint row = kAt + uint(j) * kRow;
    vec4 dots = vec4(0.0);
    [[unroll]] for (uint f = 0u; f < FOURS; f++) {
      if (4u * f < width) {
        vec4 key;
        [[unroll]] for (int c = 0; c < 4; c++) {
          uint at = row + min(4u * f + uint(c), width - 1u);
          key[c] = toFloat(TYPE, ELEMENT(k, sizeOf(TYPE), at));
        }
        dots += query[f] * key;
      }
    }
    float score = (dots.x + dots.y) + (dots.z + dots.w);
    if (PLAIN == 0u) {
      if (softcap > 0.0) score = softcap * tanhOf(score / softcap);
      if ((P(17u) & 2u) != 0u) score += bias[biasAt + uint(j)];
    }
    // A key behind a bias of -infinity is not seen; the sums of nothing seen stay 0.
    bool isSeen = score > NEVER || isNan(score);
    float next = isGreater(score, peak) ? score : peak;
    float keep = expOf(peak - next);
    float weight = isSeen ? expOf(score - next) : 0.0;
    if (!isSeen) keep = 1.0;
    peak = isSeen ? next : peak;
    total = total * keep + weight;
    row = vAt + uint(j) * vRow;
    [[unroll]] for (uint f = 0u; f < FOURS; f++) {
      if (4u * f < valueWidth) {
        vec4 value;
        [[unroll]] for (int c = 0; c < 4; c++) {
          uint at = row + min(4u * f + uint(c), valueWidth - 1u);
          value[c] = toFloat(TYPE, ELEMENT(v, sizeOf(TYPE), at));
        }
        sums[f] = sums[f] * keep + weight * value;
      }
    }
  }
  float joined = maxOverLanes(peak);
  float keep = peak == NEVER ? 0.0 : expOf(peak - joined);
  total = sumOverLanes(total * keep);
  float share = total == 0.0 ? 0.0 : 1.0 / total;
  uint to = P(13u) + batch * P(31u) + t * P(32u) + head * P(33u);
  [[unroll]] for (uint f = 0u; f < FOURS; f++) {
    [[unroll]] for (int c = 0; c < 4; c++) {
      if (4u * f + uint(c) < valueWidth) {
        float sum = sumOverLanes(sums[f][c] * keep);
        if (myLane() == 0u) o[to + 4u * f + uint(c)] = sum * share;
      }
    }
  }
}
