// Norms, softmax, reductions and rotary embedding of rows.
#pragma once
#include "vmath.h"

FN vf load_vector(av_vector v, int64_t i, int64_t n) {
  switch (v.type) {
  case AV_F16: return v_load_as(AV_F16, v.data, i, n);
  case AV_BF16: return v_load_as(AV_BF16, v.data, i, n);
  default: return v_load_as(AV_F32, v.data, i, n);
  }
}
/// All ones in the first n lanes, so that partial vectors do not count what lies past them.
FN vf keep_n(vf v, int64_t n) {
  for (int i = 0; i < W; i++) v[i] = i < n ? v[i] : 0;
  return v;
}

static float row_sum(const float *x, int64_t n) {
  vf s[4] = {v_set(0), v_set(0), v_set(0), v_set(0)};
  int64_t i = 0;
  for (; i + 4 * W <= n; i += 4 * W)
    for (int u = 0; u < 4; u++) s[u] += v_load(x + i + u * W);
  for (; i < n; i += W) s[0] += v_load_any(x + i, n - i);
  return v_sum((s[0] + s[1]) + (s[2] + s[3]));
}

/// Mean and variance in two passes, as the definition has it: no cancellation.
static void moments(const float *x, int64_t n, float *mean, float *variance) {
  float m = row_sum(x, n) / (float)n;
  vf s[2] = {v_set(0), v_set(0)};
  int64_t i = 0;
  for (; i + 2 * W <= n; i += 2 * W)
    for (int u = 0; u < 2; u++) { vf d = v_load(x + i + u * W) - m; s[u] = v_fma(d, d, s[u]); }
  for (; i < n; i += W) {
    vf d = v_load_any(x + i, n - i) - m;
    if (n - i < W) d = keep_n(d, n - i);
    s[0] = v_fma(d, d, s[0]);
  }
  *mean = m;
  *variance = v_sum(s[0] + s[1]) / (float)n;
}

static void scale_shift(const float *x, float scale, float shift, float *y, int64_t n) {
  for (int64_t i = 0; i < n; i += W) v_store_any(y + i, v_fma(v_load_any(x + i, n - i), v_set(scale), v_set(shift)), n - i);
}

static void layer_norm(const av_rows *r, int64_t r0, int64_t r1, av_vector weight, av_vector bias, float epsilon) {
  for (int64_t row = r0; row < r1; row++) {
    const float *x = r->x + row * r->x_row;
    float *y = r->y + row * r->y_row, mean, variance;
    moments(x, r->cols, &mean, &variance);
    float scale = 1.0f / sqrtf(variance + epsilon);
    for (int64_t i = 0; i < r->cols; i += W) {
      int64_t left = r->cols - i;
      vf v = (v_load_any(x + i, left) - mean) * scale;
      if (weight.data) v = v * load_vector(weight, i, left);
      if (bias.data) v = v + load_vector(bias, i, left);
      v_store_any(y + i, v, left);
    }
  }
}

static void rms_norm(const av_rows *r, int64_t r0, int64_t r1, av_vector weight, float epsilon) {
  for (int64_t row = r0; row < r1; row++) {
    const float *x = r->x + row * r->x_row;
    float *y = r->y + row * r->y_row;
    vf s[2] = {v_set(0), v_set(0)};
    int64_t i = 0;
    for (; i + 2 * W <= r->cols; i += 2 * W)
      for (int u = 0; u < 2; u++) { vf v = v_load(x + i + u * W); s[u] = v_fma(v, v, s[u]); }
    for (; i < r->cols; i += W) { vf v = v_load_any(x + i, r->cols - i); s[0] = v_fma(v, v, s[0]); }
    float scale = 1.0f / sqrtf(v_sum(s[0] + s[1]) / (float)r->cols + epsilon);
    for (i = 0; i < r->cols; i += W) {
      int64_t left = r->cols - i;
      vf v = v_load_any(x + i, left) * scale;
      if (weight.data) v = v * load_vector(weight, i, left);
      v_store_any(y + i, v, left);
    }
  }
}

static float row_max(const float *x, int64_t n) {
  vf m = v_set(-INFINITY), nan = v_set(0);
  for (int64_t i = 0; i < n; i += W) {
    vf v = v_load_any(x + i, n - i);
    if (n - i < W) for (int64_t j = n - i; j < W; j++) v[j] = -INFINITY;
    m = v_max(v, m);
    nan += v_select(v != v, v, v_set(0));
  }
  float most = v_max_lane(m), bad = v_sum(nan);
  return bad != bad ? bad : most;
}

static void softmax(const av_rows *r, int64_t r0, int64_t r1) {
  for (int64_t row = r0; row < r1; row++) {
    const float *x = r->x + row * r->x_row;
    float *y = r->y + row * r->y_row, most = row_max(x, r->cols);
    if (most == -INFINITY) { memset(y, 0, (size_t)r->cols * 4); continue; }
    vf s = v_set(0);
    for (int64_t i = 0; i < r->cols; i += W) {
      vf e = v_exp(v_load_any(x + i, r->cols - i) - most);
      if (r->cols - i < W) e = keep_n(e, r->cols - i);
      v_store_any(y + i, e, r->cols - i);
      s += e;
    }
    scale_shift(y, 1.0f / v_sum(s), 0, y, r->cols);
  }
}

static float reduce_row(int kind, const float *x, int64_t n) {
  if (kind == AV_REDUCE_MAX) return row_max(x, n);
  // Long sums in parts of 4096, so that the error does not grow with the length.
  float total = 0, lost = 0;
  for (int64_t i = 0; i < n; i += 4096) {
    float part = row_sum(x + i, n - i < 4096 ? n - i : 4096) - lost, next = total + part;
    lost = (next - total) - part;
    total = next;
  }
  return kind == AV_REDUCE_MEAN ? total / (float)n : total;
}

static void reduce_into(int kind, const float *x, float *y, int64_t n) {
  for (int64_t i = 0; i < n; i += W) {
    vf a = v_load_any(y + i, n - i), b = v_load_any(x + i, n - i);
    v_store_any(y + i, kind == AV_REDUCE_MAX ? v_select((b > a) | (b != b), b, a) : a + b, n - i);
  }
}

/// Turns n pairs: (a, b) to (a cos - b sin, b cos + a sin).
FN void turn(const float *a, const float *b, const float *cosine, const float *sine, float *ya, float *yb, int64_t n) {
  for (int64_t i = 0; i < n; i += W) {
    int64_t left = n - i;
    vf x = v_load_any(a + i, left), z = v_load_any(b + i, left), c = v_load_any(cosine + i, left), s = v_load_any(sine + i, left);
    v_store_any(ya + i, x * c - z * s, left);
    v_store_any(yb + i, z * c + x * s, left);
  }
}

static void rope(const av_rope_args *p, int64_t t0, int64_t t1) {
  enum { piece = 256 };  // pairs whose cosines are held at a time
  float cosine[piece], sine[piece], even[piece], odd[piece];
  const int64_t half = p->dims / 2;
  for (int64_t t = t0; t < t1; t++) {
    for (int64_t first = 0; first < half; first += piece) {
      const int64_t n = half - first < piece ? half - first : piece;
      for (int64_t i = 0; i < n; i += W) {
        vf s, c;
        v_sincos(v_load_any(p->inv_freq + first + i, n - i) * (float)p->positions[t], &s, &c);
        v_store_any(cosine + i, c * p->attention_factor, n - i);
        v_store_any(sine + i, s * p->attention_factor, n - i);
      }
      for (int64_t h = 0; h < p->heads; h++) {
        const float *x = p->x + t * p->x_token + h * p->x_head;
        float *y = p->y + t * p->y_token + h * p->y_head;
        if (p->interleaved) {
          for (int64_t i = 0; i < n; i++) { even[i] = x[2 * (first + i)]; odd[i] = x[2 * (first + i) + 1]; }
          turn(even, odd, cosine, sine, even, odd, n);
          for (int64_t i = 0; i < n; i++) { y[2 * (first + i)] = even[i]; y[2 * (first + i) + 1] = odd[i]; }
        } else {
          turn(x + first, x + first + half, cosine, sine, y + first, y + first + half, n);
        }
      }
    }
    for (int64_t h = 0; h < p->heads; h++) {
      const float *x = p->x + t * p->x_token + h * p->x_head + p->dims;
      float *y = p->y + t * p->y_token + h * p->y_head + p->dims;
      if (x != y) memcpy(y, x, (size_t)(p->head - p->dims) * 4);
    }
  }
}
