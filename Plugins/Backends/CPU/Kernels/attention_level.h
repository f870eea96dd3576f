// Attention of one kv head: a few rows by dot products (decode), or many by tiles of the blocked product (encode, prefill).
#pragma once
#include "gemm_level.h"
#include "vmath.h"

typedef struct { const float *q; float *out; const float *bias; int64_t last, first; } attention_row;

/// Row `r` of kv head `g`: its query, its output, its bias and the keys first...last that it may see.
FN attention_row row_of(const av_attention_args *p, int64_t b, int64_t g, int64_t r) {
  int64_t group = p->heads / p->kv_heads, token = r / group, head = g * group + r % group;
  int64_t last = p->tk - 1, first = 0;
  if (p->positions) {
    int64_t position = p->positions[b * p->positions_batch + token];
    last = position < last ? position : last;
    if (p->window > 0 && position - p->window + 1 > 0) first = position - p->window + 1;
  }
  return (attention_row){
    .q = p->q + b * p->q_batch + token * p->q_token + head * p->q_head,
    .out = p->out + b * p->out_batch + token * p->out_token + head * p->out_head,
    .bias = p->bias ? p->bias + b * p->bias_batch + head * p->bias_head + token * p->bias_row : NULL,
    .last = last, .first = first,
  };
}

FN const char *keys_of(av_dtype type, const av_attention_args *p, int64_t b, int64_t g, int64_t j) {
  return (const char *)p->k + av_row_bytes(type, b * p->k_batch + j * p->k_token + g * p->k_head);
}
FN const char *values_of(av_dtype type, const av_attention_args *p, int64_t b, int64_t g, int64_t j) {
  return (const char *)p->v + av_row_bytes(type, b * p->v_batch + j * p->v_token + g * p->v_head_stride);
}

enum { few_rows = 4, few_keys = 4, few_vectors = AV_LEVEL == 2 ? 4 : 2, key_group = 16 };

/// out[r * stride + c] = query row r . key c.
FN void score(av_dtype type, const int rows, const int keys, const float *const *q, const char *k, int64_t key_bytes, int64_t head, float *out,
              int64_t stride) {
  vf sum[few_rows][few_keys];
  UNROLL for (int r = 0; r < rows; r++) UNROLL for (int c = 0; c < keys; c++) sum[r][c] = v_set(0);
  for (int64_t i = 0; i < head; i += W) {
    vf key[few_keys];
    UNROLL for (int c = 0; c < keys; c++) key[c] = v_load_as(type, k + c * key_bytes, i, head - i);
    UNROLL for (int r = 0; r < rows; r++) {
      vf x = v_load_any(q[r] + i, head - i);
      UNROLL for (int c = 0; c < keys; c++) sum[r][c] = v_fma(x, key[c], sum[r][c]);
    }
  }
  UNROLL for (int r = 0; r < rows; r++) {
    if (keys == few_keys) v_sum4(sum[r], out + r * stride);
    else UNROLL for (int c = 0; c < keys; c++) out[r * stride + c] = v_sum(sum[r][c]);
  }
}

/// y[r][:] += sum over keys of weight[r][j] * value[j][:], for `vectors` vectors of each value.
FN void gather_values(av_dtype type, const int rows, const int vectors, const float *weight, int64_t stride, const char *v, int64_t value_bytes,
                      int64_t keys, int64_t at, int64_t left, float *y, int64_t y_row) {
  vf sum[few_rows][few_vectors];
  UNROLL for (int r = 0; r < rows; r++) UNROLL for (int c = 0; c < vectors; c++) sum[r][c] = v_load_any(y + r * y_row + at + c * W, left - c * W);
  for (int64_t j = 0; j < keys; j++, v += value_bytes) {
    UNROLL for (int c = 0; c < vectors; c++) {
      vf value = v_load_as(type, v, at + c * W, left - c * W);
      UNROLL for (int r = 0; r < rows; r++) sum[r][c] = v_fma(v_set(weight[r * stride + j]), value, sum[r][c]);
    }
  }
  UNROLL for (int r = 0; r < rows; r++) UNROLL for (int c = 0; c < vectors; c++) v_store_any(y + r * y_row + at + c * W, sum[r][c], left - c * W);
}

/// Scores to weights relative to their maximum: scale, cap, bias, mask, exp.
FN void weigh(const av_attention_args *p, const attention_row *row, int64_t j0, int64_t n, float *s, float *maximum, float *sum) {
  float most = -INFINITY;
  const int32_t last = (int32_t)row->last, first = row->first > INT32_MAX ? INT32_MAX : (int32_t)row->first;
  for (int64_t i = 0; i < n; i += W) {
    vf v = v_load_any(s + i, n - i) * p->scale;
    if (p->softcap > 0) v = v_tanh(v / p->softcap) * p->softcap;
    if (row->bias) v += v_load_any(row->bias + j0 + i, n - i);
    vi j = (int32_t)(j0 + i) + v_iota();
    v = v_select((j >= (int32_t)(j0 + n)) | (j > last) | (j < first), v_set(-INFINITY), v);
    float here = v_max_lane(v);
    most = here > most ? here : most;
    v_store_any(s + i, v, n - i);
  }
  vf total = v_set(0);
  float reference = most == -INFINITY ? 0 : most;
  for (int64_t i = 0; i < n; i += W) {
    vf v = v_exp(v_load_any(s + i, n - i) - reference);
    v_store_any(s + i, v, n - i);
    if (n - i < W) for (int64_t lane = n - i; lane < W; lane++) v[lane] = 0;
    total += v;
  }
  *maximum = most;
  *sum = v_sum(total);
}

/// Both passes go over the keys in small groups and over all heads within: memory is then read in its order, token after token.
FN void attend_few_typed(av_dtype type, const av_attention_args *p, int64_t b, int64_t g0, int64_t g1, int64_t j0, int64_t j1, float *partial,
                         int64_t partial_head, float *scratch) {
  const int64_t n = j1 - j0, key_bytes = av_row_bytes(type, p->k_token), value_bytes = av_row_bytes(type, p->v_token), stride = p->v_head + 2;
  const int64_t rows = p->tq * (p->heads / p->kv_heads);
  for (int64_t j = 0; j < n; j += key_group)
    for (int64_t g = g0; g < g1; g++)
      for (int64_t r = 0; r < rows;) {
        float *s = scratch + ((g - g0) * rows + r) * n;
        const float *q[few_rows];
        int64_t count = rows - r < few_rows ? 1 : few_rows, end = j + key_group < n ? j + key_group : n, i = j;
        for (int64_t c = 0; c < count; c++) q[c] = row_of(p, b, g, r + c).q;
        for (; i + few_keys <= end; i += few_keys) {
          const char *key = keys_of(type, p, b, g, j0 + i);
          if (count == 1) score(type, 1, few_keys, q, key, key_bytes, p->head, s + i, n);
          else score(type, few_rows, few_keys, q, key, key_bytes, p->head, s + i, n);
        }
        for (; i < end; i++)
          for (int64_t c = 0; c < count; c++) score(type, 1, 1, q + c, keys_of(type, p, b, g, j0 + i), key_bytes, p->head, s + c * n + i, n);
        r += count;
      }
  for (int64_t g = g0; g < g1; g++)
    for (int64_t r = 0; r < rows; r++) {
      attention_row row = row_of(p, b, g, r);
      float *y = partial + (g - g0) * partial_head + r * stride;
      memset(y, 0, (size_t)p->v_head * 4);
      weigh(p, &row, j0, n, scratch + ((g - g0) * rows + r) * n, y + p->v_head, y + p->v_head + 1);
    }
  for (int64_t j = 0; j < n; j += key_group)
    for (int64_t g = g0; g < g1; g++)
      for (int64_t r = 0; r < rows;) {
        const float *weight = scratch + ((g - g0) * rows + r) * n + j;
        float *y = partial + (g - g0) * partial_head + r * stride;
        int64_t count = rows - r < few_rows ? 1 : few_rows, keys = n - j < key_group ? n - j : key_group, at = 0;
        const char *v = values_of(type, p, b, g, j0 + j);
        for (; at + few_vectors * W <= p->v_head; at += few_vectors * W) {
          if (count == 1) gather_values(type, 1, few_vectors, weight, n, v, value_bytes, keys, at, few_vectors * W, y, stride);
          else gather_values(type, few_rows, few_vectors, weight, n, v, value_bytes, keys, at, few_vectors * W, y, stride);
        }
        for (; at < p->v_head; at += W)
          for (int64_t c = 0; c < count; c++) gather_values(type, 1, 1, weight + c * n, n, v, value_bytes, keys, at, p->v_head - at, y + c * stride, stride);
        r += count;
      }
}

static void attend_few(const av_attention_args *p, int64_t b, int64_t g0, int64_t g1, int64_t j0, int64_t j1, float *partial, int64_t partial_head,
                       float *scratch) {
  switch (p->kv_type) {
  case AV_F16: attend_few_typed(AV_F16, p, b, g0, g1, j0, j1, partial, partial_head, scratch); break;
  case AV_BF16: attend_few_typed(AV_BF16, p, b, g0, g1, j0, j1, partial, partial_head, scratch); break;
  case AV_Q8_0: attend_few_typed(AV_Q8_0, p, b, g0, g1, j0, j1, partial, partial_head, scratch); break;
  default: attend_few_typed(AV_F32, p, b, g0, g1, j0, j1, partial, partial_head, scratch);
  }
}

static void attend_join(int64_t parts, int64_t v_head, const float *partial, int64_t stride, float *y) {
  float most = -INFINITY, total = 0;
  for (int64_t i = 0; i < parts; i++) most = partial[i * stride + v_head] > most ? partial[i * stride + v_head] : most;
  memset(y, 0, (size_t)v_head * 4);
  float reference = most == -INFINITY ? 0 : most;
  for (int64_t i = 0; i < parts; i++) {
    const float *part = partial + i * stride;
    float weight = expf(part[v_head] - reference);
    total += weight * part[v_head + 1];
    for (int64_t d = 0; d < v_head; d += W) {
      int64_t left = v_head - d;
      v_store_any(y + d, v_fma(v_load_any(part + d, left), v_set(weight), v_load_any(y + d, left)), left);
    }
  }
  if (total == 0) { memset(y, 0, (size_t)v_head * 4); return; }
  for (int64_t d = 0; d < v_head; d += W) v_store_any(y + d, v_load_any(y + d, v_head - d) * (1.0f / total), v_head - d);
}

// Many rows. Scores are computed transposed, [key][query], with tile_cols queries in the lanes: the softmax is then vertical, and the weights
// lie just as the second product (values^T x weights) wants its packed right factor.

typedef struct { vf maximum[tile_vectors], sum[tile_vectors]; vi last[tile_vectors], first[tile_vectors]; int64_t least_last, most_last, most_first, least_first; } query_panel;

/// Adds bias[query][j0 + key] to s[key][query].
FN void add_bias(const av_attention_args *p, int64_t b, int64_t g, int64_t row, int64_t rows, int64_t j0, int64_t n, float *s) {
  for (int64_t lane = 0; lane < rows; lane += W) {
    const float *bias[W];
    for (int i = 0; i < W; i++) bias[i] = row_of(p, b, g, row + (lane + i < rows ? lane + i : lane)).bias + j0;
    for (int64_t j = 0; j < n; j += W) {
      vf v[W];
      UNROLL for (int i = 0; i < W; i++) v[i] = v_load_any(bias[i] + j, n - j);
      transpose(v);
      for (int64_t i = 0; i < W && j + i < n; i++) {
        float *at = s + (j + i) * tile_cols + lane;
        v_store(at, v_load(at) + v[i]);
      }
    }
  }
}

/// Scores s[n][queries] to weights, updating the panel's running maximum and sum; scales the output so far, o[v_head][queries].
FN void weigh_panel(const av_attention_args *p, query_panel *panel, int64_t j0, int64_t n, float *s, float *o) {
  bool masked = j0 + n - 1 > panel->least_last || j0 < panel->most_first;
  UNROLL for (int c = 0; c < tile_vectors; c++) {
    vf most = panel->maximum[c];
    for (int64_t j = 0; j < n; j++) {
      float *at = s + j * tile_cols + c * W;
      vf v = v_load(at);
      if (masked) {
        int32_t key = (int32_t)(j0 + j);
        v = v_select((vi)(key > panel->last[c]) | (vi)(key < panel->first[c]), v_set(-INFINITY), v);
        v_store(at, v);
      }
      most = v_max(v, most);
    }
    vf reference = v_select(most == -INFINITY, v_set(0), most), total = v_set(0);
    for (int64_t j = 0; j < n; j++) {
      float *at = s + j * tile_cols + c * W;
      vf e = v_exp(v_load(at) - reference);
      v_store(at, e);
      total += e;
    }
    vf keep = v_exp(panel->maximum[c] - reference);
    panel->sum[c] = panel->sum[c] * keep + total;
    panel->maximum[c] = most;
    if (__builtin_reduce_and(keep == 1.0f)) continue;
    for (int64_t d = 0; d < p->v_head; d++) {
      float *at = o + d * tile_cols + c * W;
      v_store(at, v_load(at) * keep);
    }
  }
}

/// Packs the scaled queries of one panel as [head][query] and notes which keys they see.
FN void start_panel(const av_attention_args *p, int64_t b, int64_t g, int64_t row, int64_t rows, float *q, query_panel *panel) {
  panel->least_last = panel->least_first = INT64_MAX;
  panel->most_last = panel->most_first = -1;
  for (int64_t i = 0; i < tile_cols; i++) {
    attention_row r = row_of(p, b, g, row + (i < rows ? i : 0));
    panel->last[i / W][i % W] = (int32_t)r.last;
    panel->first[i / W][i % W] = (int32_t)(r.first > INT32_MAX ? INT32_MAX : r.first);
    if (r.last < panel->least_last) panel->least_last = r.last;
    if (r.last > panel->most_last) panel->most_last = r.last;
    if (r.first > panel->most_first) panel->most_first = r.first;
    if (r.first < panel->least_first) panel->least_first = r.first;
  }
  UNROLL for (int c = 0; c < tile_vectors; c++) { panel->maximum[c] = v_set(-INFINITY); panel->sum[c] = v_set(0); }
  for (int64_t i = 0; i < tile_cols; i += W) {
    const float *from[W];
    for (int c = 0; c < W; c++) from[c] = row_of(p, b, g, row + (i + c < rows ? i + c : 0)).q;
    for (int64_t d = 0; d < p->head; d += W) {
      vf v[W];
      UNROLL for (int c = 0; c < W; c++) v[c] = v_load_any(from[c] + d, p->head - d) * p->scale;
      transpose(v);
      for (int64_t c = 0; c < W && d + c < p->head; c++) v_store(q + (d + c) * tile_cols + i, v[c]);
    }
  }
}

FN void finish_panel(const av_attention_args *p, int64_t b, int64_t g, int64_t row, int64_t rows, const query_panel *panel, const float *o) {
  for (int64_t i = 0; i < rows; i += W) {
    vf sum = panel->sum[i / W], scale = v_select(sum == 0.0f, v_set(0), 1.0f / sum);
    float *to[W];
    int64_t count = rows - i < W ? rows - i : W;
    for (int64_t c = 0; c < count; c++) to[c] = row_of(p, b, g, row + i + c).out;
    for (int64_t d = 0; d < p->v_head; d += W) {
      vf v[W];
      UNROLL for (int64_t c = 0; c < W; c++) v[c] = d + c < p->v_head ? v_load(o + (d + c) * tile_cols + i) * scale : v_set(0);
      transpose(v);
      for (int64_t c = 0; c < count; c++) v_store_any(to[c] + d, v[c], p->v_head - d);
    }
  }
}

/// Packs n keys, or the n values transposed, of one kv head into panels. Blocks are unpacked first, into `plain`.
FN void pack_kept(const av_attention_args *p, const char *rows, int64_t stride, int64_t n, int64_t width, bool transposed, float *plain, float *out) {
  av_matrix m = {rows, p->kv_type, transposed ? 1 : stride, transposed ? stride : 1};
  if (p->kv_type == AV_Q8_0) {
    for (int64_t j = 0; j < n; j++)
      for (int64_t i = 0; i < width; i += W) v_store(plain + j * width + i, v_load_q8(rows, j * stride + i));
    m = (av_matrix){plain, AV_F32, transposed ? 1 : width, transposed ? width : 1};
  }
  pack_rows(&m, transposed ? width : n, 0, transposed ? n : width, out);
}

/// The scratch holds the packed queries and outputs of all panels, one tile of packed keys and values, one of scores, and one of unpacked blocks.
static void attend_many(const av_attention_args *p, int64_t b, int64_t g, int64_t row0, int64_t rows, int64_t keys, float *scratch) {
  enum { most_panels = 16 };
  query_panel panels[most_panels];
  const int64_t count = (rows + tile_cols - 1) / tile_cols;
  float *q = scratch, *o = q + count * tile_cols * p->head, *s = o + count * tile_cols * p->v_head, *k = s + keys * tile_cols,
        *v = k + keys * p->head,
        *plain = v + (p->v_head + tile_rows) * keys;
  int64_t begin = INT64_MAX, end = 0;
  for (int64_t i = 0; i < count; i++) {
    int64_t here = rows - i * tile_cols < tile_cols ? rows - i * tile_cols : tile_cols;
    start_panel(p, b, g, row0 + i * tile_cols, here, q + i * tile_cols * p->head, &panels[i]);
    if (panels[i].least_first < begin) begin = panels[i].least_first;
    if (panels[i].most_last + 1 > end) end = panels[i].most_last + 1;
  }
  memset(o, 0, (size_t)(count * tile_cols * p->v_head) * 4);
  for (int64_t j0 = begin / keys * keys; j0 < end; j0 += keys) {
    int64_t n = p->tk - j0 < keys ? p->tk - j0 : keys;
    pack_kept(p, keys_of(p->kv_type, p, b, g, j0), p->k_token, n, p->head, false, plain, k);
    pack_kept(p, values_of(p->kv_type, p, b, g, j0), p->v_token, n, p->v_head, true, plain, v);
    for (int64_t i = 0; i < count; i++) {
      query_panel *panel = &panels[i];
      if (j0 > panel->most_last || j0 + n <= panel->least_first) continue;
      int64_t row = row0 + i * tile_cols, here = rows - i * tile_cols < tile_cols ? rows - i * tile_cols : tile_cols;
      float *out = o + i * tile_cols * p->v_head;
      multiply(n, tile_cols, p->head, k, q + i * tile_cols * p->head, s, tile_cols, false);
      if (p->softcap > 0)
        for (int64_t e = 0; e < n * tile_cols; e += W) v_store(s + e, v_tanh(v_load(s + e) / p->softcap) * p->softcap);
      if (p->bias) add_bias(p, b, g, row, here, j0, n, s);
      weigh_panel(p, panel, j0, n, s, out);
      multiply(p->v_head, tile_cols, n, v, s, out, tile_cols, true);
    }
  }
  for (int64_t i = 0; i < count; i++) {
    int64_t here = rows - i * tile_cols < tile_cols ? rows - i * tile_cols : tile_cols;
    finish_panel(p, b, g, row0 + i * tile_cols, here, &panels[i], o + i * tile_cols * p->v_head);
  }
}
