// Attention by online softmax: the matrix of scores is never stored.
#pragma once
#include "av_pool.h"

/// out[b, i, h, :] = softmax_j(cap(scale * q[b, i, h] . k[b, j, g]) + bias) * v[b, j, g], with g = h / (heads / kv_heads).
/// Every vector of `head` (or `v_head`) elements is contiguous; all other axes have strides.
typedef struct {
  int64_t batch, heads, kv_heads, tq, tk, head, v_head;
  const float *q;
  int64_t q_batch, q_token, q_head;
  const void *k, *v;  // both of `kv_type`: f32, f16, bf16, or Q8_0, whose vectors and strides are whole blocks
  av_dtype kv_type;
  int64_t k_batch, k_token, k_head, v_batch, v_token, v_head_stride;
  float *out;
  int64_t out_batch, out_token, out_head;
  float scale;
  float softcap;             // s = softcap * tanh(s / softcap) where above 0
  const int32_t *positions;  // [batch or 1, tq]: row i sees keys j <= positions[i]; NULL: all keys
  int64_t positions_batch;   // 0 where one row of positions serves all batches
  int64_t window;            // above 0: only keys with positions[i] - j < window (needs positions)
  const float *bias;         // added to the scaled, capped score; NULL: none. -infinity masks
  int64_t bias_batch, bias_head, bias_row;  // strides; 0 broadcasts. Keys are contiguous
} av_attention_args;

/// A row that sees no key gives zeros. Few query rows read the keys once in parts (decode); many go through tiles of products (encode, prefill).
void av_attention(av_pool *pool, const av_attention_args *args);
