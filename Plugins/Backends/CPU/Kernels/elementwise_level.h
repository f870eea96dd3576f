// Elementwise maps over contiguous elements.
#pragma once
#include "vmath.h"

FN vf unary_of(int kind, vf x) {
  switch (kind) {
  case AV_NEGATE: return (vf)((vi)x ^ (int32_t)0x80000000);
  case AV_ABS: return v_abs(x);
  case AV_SQUARE: return x * x;
  case AV_SQRT: return v_sqrt(x);
  case AV_RSQRT: return 1.0f / v_sqrt(x);
  case AV_RECIPROCAL: return 1.0f / x;
  case AV_EXP: return v_exp(x);
  case AV_LOG: return v_log(x);
  case AV_SIN: { vf s, c; v_sincos(x, &s, &c); return s; }
  case AV_COS: { vf s, c; v_sincos(x, &s, &c); return c; }
  case AV_TANH: return v_tanh(x);
  case AV_SIGMOID: return v_sigmoid(x);
  case AV_RELU: return v_activate(AV_ACT_RELU, x);
  case AV_SILU: return v_activate(AV_ACT_SILU, x);
  case AV_ERF: return v_erf(x);
  case AV_GELU: return v_activate(AV_ACT_GELU, x);
  case AV_GELU_TANH: return v_activate(AV_ACT_GELU_TANH, x);
  case AV_QUICK_GELU: return v_activate(AV_ACT_QUICK_GELU, x);
  case AV_FLOOR: return __builtin_elementwise_floor(x);
  case AV_CEIL: return __builtin_elementwise_ceil(x);
  default: return __builtin_elementwise_roundeven(x);
  }
}

static void unary(int kind, const float *a, float *y, int64_t n) {
#define EACH(k) case k: for (int64_t i = 0; i < n; i += W) v_store_any(y + i, unary_of(k, v_load_any(a + i, n - i)), n - i); break;
  switch (kind) {
    EACH(AV_NEGATE) EACH(AV_ABS) EACH(AV_SQUARE) EACH(AV_SQRT) EACH(AV_RSQRT) EACH(AV_RECIPROCAL) EACH(AV_EXP) EACH(AV_LOG) EACH(AV_SIN)
    EACH(AV_COS) EACH(AV_TANH) EACH(AV_SIGMOID) EACH(AV_RELU) EACH(AV_SILU) EACH(AV_ERF) EACH(AV_GELU) EACH(AV_GELU_TANH)
    EACH(AV_QUICK_GELU) EACH(AV_FLOOR) EACH(AV_CEIL) EACH(AV_ROUND)
  }
#undef EACH
}

FN vf binary_of(int kind, vf a, vf b) {
  switch (kind) {
  case AV_ADD: return a + b;
  case AV_SUBTRACT: return a - b;
  case AV_MULTIPLY: return a * b;
  case AV_DIVIDE: return a / b;
  case AV_MAXIMUM: return v_select((a > b) | (a != a), a, b);
  case AV_MINIMUM: return v_select((a < b) | (a != a), a, b);
  default:
    for (int i = 0; i < W; i++) a[i] = powf(a[i], b[i]);
    return a;
  }
}

static void binary(int kind, const float *a, const float *b, void *out, int64_t n) {
  float *y = out;
  uint8_t *truth = out;
#define EACH(k) \
  case k: for (int64_t i = 0; i < n; i += W) v_store_any(y + i, binary_of(k, v_load_any(a + i, n - i), v_load_any(b + i, n - i)), n - i); break;
  switch (kind) {
    EACH(AV_ADD) EACH(AV_SUBTRACT) EACH(AV_MULTIPLY) EACH(AV_DIVIDE) EACH(AV_MAXIMUM) EACH(AV_MINIMUM) EACH(AV_POWER)
    case AV_EQUAL: for (int64_t i = 0; i < n; i++) truth[i] = a[i] == b[i]; break;
    case AV_LESS: for (int64_t i = 0; i < n; i++) truth[i] = a[i] < b[i]; break;
    case AV_LESS_OR_EQUAL: for (int64_t i = 0; i < n; i++) truth[i] = a[i] <= b[i]; break;
  }
#undef EACH
}

static void clamp(const float *a, float low, float high, float *y, int64_t n) {
  for (int64_t i = 0; i < n; i += W) {
    vf v = v_load_any(a + i, n - i);
    v = v_select(v < low, v_set(low), v);
    v_store_any(y + i, v_select(v > high, v_set(high), v), n - i);
  }
}

static void gated(av_activation activation, const float *gate, const float *up, float *y, int64_t n) {
  for (int64_t i = 0; i < n; i += W) {
    vf g = v_load_any(gate + i, n - i), u = v_load_any(up + i, n - i);
    v_store_any(y + i, (activation == AV_ACT_SILU ? v_activate(AV_ACT_SILU, g) : v_activate(activation, g)) * u, n - i);
  }
}
