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

FN const char *keys_of(const av_attention_args *p, int64_t b, int64_t g, int64_t j) {
  return (const char *)p->k + (b * p->k_batch + j * p->k_token + g * p->k_head) * av_size(p->kv_type);
}
FN const char *values_of(const av_attention_args *p, int64_t b, int64_t g, int64_t j) {
  return (const char *)p->v + (b * p->v_batch + j * p->v_token + g * p->v_head_stride) * av_size(p->kv_type);
}

enum { few_rows = 4, few_keys = AV_LEVEL == 2 ? 4 : 2, few_vectors = AV_LEVEL == 2 ? 4 : 2 };

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
  UNROLL for (int r = 0; r < rows; r++) UNROLL for (int c = 0; c < keys; c++) out[r * stride + c] = v_sum(sum[r][c]);
}

/// y[r][:] += sum over keys of weight[r][j] * value[j][:], for `vectors` vectors of each value.
FN void gather_values(av_dtype type, const int rows, const int vectors, const float *weight, int64_t stride, const char *v, int64_t value_bytes,
                      int64_t keys, int64_t at, int64_t left, float *y, int64_t y_row) {
  vf sum[few_rows][few_vectors];
  UNROLL for (int r = 0; r < rows; r++) UNROLL for (int c = 0; c < vectors; c++) sum[r][c] = v_set(0);
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
  for (int64_t i = 0; i < n; i += W) {
    vf v = v_load_any(s + i, n - i) * p->scale;
    if (p->softcap > 0) v = v_tanh(v / p->softcap) * p->softcap;
    if (row->bias) v += v_load_any(row->bias + j0 + i, n - i);
    for (int lane = 0; lane < W; lane++) {
      int64_t j = j0 + i + lane;
      if (i + lane >= n || j > row->last || j < row->first) v[lane] = -INFINITY;
    }
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

FN void attend_rows(av_dtype type, const int rows, const av_attention_args *p, int64_t b, int64_t g, int64_t row0, int64_t j0, int64_t j1,
                    float *partial, float *scratch) {
  const int64_t n = j1 - j0, key_bytes = p->k_token * av_size(type), value_bytes = p->v_token * av_size(type), y_row = p->v_head + 2;
  const char *k = keys_of(p, b, g, j0), *v = values_of(p, b, g, j0);
  attention_row row[few_rows];
  const float *q[few_rows];
  for (int r = 0; r < rows; r++) { row[r] = row_of(p, b, g, row0 + r); q[r] = row[r].q; }
  int64_t j = 0;
  for (; j + few_keys <= n; j += few_keys) score(type, rows, few_keys, q, k + j * key_bytes, key_bytes, p->head, scratch + j, n);
  for (; j < n; j++) score(type, rows, 1, q, k + j * key_bytes, key_bytes, p->head, scratch + j, n);
  for (int r = 0; r < rows; r++)
    weigh(p, &row[r], j0, n, scratch + r * n, partial + r * y_row + p->v_head, partial + r * y_row + p->v_head + 1);
  int64_t at = 0;
  for (; at + few_vectors * W <= p->v_head; at += few_vectors * W)
    gather_values(type, rows, few_vectors, scratch, n, v, value_bytes, n, at, few_vectors * W, partial, y_row);
  for (; at < p->v_head; at += W) {
    // A partial last vector must not overwrite the maximum and the sum behind it, so its length is exact.
    gather_values(type, rows, 1, scratch, n, v, value_bytes, n, at, p->v_head - at, partial, y_row);
  }
}

FN void attend_few_typed(av_dtype type, const av_attention_args *p, int64_t b, int64_t g, int64_t j0, int64_t j1, float *partial, float *scratch) {
  int64_t rows = p->tq * (p->heads / p->kv_heads), r = 0;
  for (; r + few_rows <= rows; r += few_rows) attend_rows(type, few_rows, p, b, g, r, j0, j1, partial + r * (p->v_head + 2), scratch);
  for (; r < rows; r++) attend_rows(type, 1, p, b, g, r, j0, j1, partial + r * (p->v_head + 2), scratch);
}

static void attend_few(const av_attention_args *p, int64_t b, int64_t g, int64_t j0, int64_t j1, float *partial, float *scratch) {
  switch (p->kv_type) {
  case AV_F16: attend_few_typed(AV_F16, p, b, g, j0, j1, partial, scratch); break;
  case AV_BF16: attend_few_typed(AV_BF16, p, b, g, j0, j1, partial, scratch); break;
  default: attend_few_typed(AV_F32, p, b, g, j0, j1, partial, scratch);
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
    for (int64_t d = 0; d < p->head; d++) q[d * tile_cols + i] = i < rows ? r.q[d] * p->scale : 0;
    panel->last[i / W][i % W] = (int32_t)(r.last < -1 ? -1 : r.last);
    panel->first[i / W][i % W] = (int32_t)(r.first > INT32_MAX ? INT32_MAX : r.first);
    if (r.last < panel->least_last) panel->least_last = r.last;
    if (r.last > panel->most_last) panel->most_last = r.last;
    if (r.first > panel->most_first) panel->most_first = r.first;
    if (r.first < panel->least_first) panel->least_first = r.first;
  }
  UNROLL for (int c = 0; c < tile_vectors; c++) { panel->maximum[c] = v_set(-INFINITY); panel->sum[c] = v_set(0); }
}

FN void finish_panel(const av_attention_args *p, int64_t b, int64_t g, int64_t row, int64_t rows, const query_panel *panel, const float *o) {
  for (int64_t i = 0; i < rows; i++) {
    float sum = panel->sum[i / W][i % W], scale = sum == 0 ? 0 : 1.0f / sum, *y = row_of(p, b, g, row + i).out;
    for (int64_t d = 0; d < p->v_head; d++) y[d] = o[d * tile_cols + i] * scale;
  }
}

/// The scratch holds the packed queries and outputs of all panels, one tile of packed keys and values, and one of scores.
static void attend_many(const av_attention_args *p, int64_t b, int64_t g, int64_t row0, int64_t rows, int64_t keys, float *scratch) {
  enum { most_panels = 16 };
  query_panel panels[most_panels];
  const int64_t count = (rows + tile_cols - 1) / tile_cols;
  float *q = scratch, *o = q + count * tile_cols * p->head, *s = o + count * tile_cols * p->v_head, *k = s + keys * tile_cols,
        *v = k + keys * p->head;
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
    av_matrix key = {keys_of(p, b, g, j0), p->kv_type, p->k_token, 1}, value = {values_of(p, b, g, j0), p->kv_type, 1, p->v_token};
    pack_rows(&key, n, 0, p->head, k);
    pack_rows(&value, p->v_head, 0, n, v);
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
