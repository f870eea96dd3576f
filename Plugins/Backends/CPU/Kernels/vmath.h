// exp, log, erf, tanh, sin, cos on vectors of f32, each within 2 units in the last place of the exact value (the tests measure it).
// The polynomials were fitted for these files (weighted minimax, coefficients rounded to f32 one after the other).
#pragma once
#include "simd.h"

/// 2^n * v for integral n in [-252, 254], with the right result where it is subnormal.
FN vf v_scale2(vf v, vf n) {
#if AV_LEVEL == 2
  return _mm512_scalef_ps(v, n);
#else
  vi whole = v_to_int(n), half = whole >> 1;
  return v * (vf)((half + 127) << 23) * (vf)((whole - half + 127) << 23);
#endif
}

FN vf v_exp(vf x) {
  vf t = v_min(v_set(89.0f), v_max(v_set(-104.0f), x));  // in this order NaN passes through
  vf n = v_round_small(t * 1.44269504f);
  vf r = v_fma(n, v_set(-0x1.62e400p-1f), t);  // ln 2 in two parts; n times the first is exact
  r = v_fma(n, v_set(-0x1.7f7d1cp-20f), r);
  vf q = v_fma(v_set(0x1.6a4744p-10f), r, v_set(0x1.1239a2p-7f));
  q = v_fma(q, r, v_set(0x1.5558b6p-5f));
  q = v_fma(q, r, v_set(0x1.555492p-3f));
  q = v_fma(q, r, v_set(0x1.fffffcp-2f));
  vf p = v_fma(q, r * r, r) + 1.0f;
  return v_scale2(p, n);
}

FN vf v_log(vf x) {
  vi tiny = x < FLT_MIN;
  vf y = v_select(tiny, x * 0x1p23f, x);
  vi bits = v_int(y) - 0x3f3504f3;  // so that the mantissa lands in [sqrt(1/2), sqrt(2))
  vf e = v_from_int(bits >> 23) - v_select(tiny, v_set(23), v_set(0));
  vf f = v_bits((bits & 0x7fffff) + 0x3f3504f3) - 1.0f;
  vf q = v_fma(v_set(0x1.1484e8p-4f), f, v_set(-0x1.de1004p-4f));
  q = v_fma(q, f, v_set(0x1.e6c03ep-4f));
  q = v_fma(q, f, v_set(-0x1.fc26acp-4f));
  q = v_fma(q, f, v_set(0x1.233b78p-3f));
  q = v_fma(q, f, v_set(-0x1.555c4ep-3f));
  q = v_fma(q, f, v_set(0x1.99a478p-3f));
  q = v_fma(q, f, v_set(-0x1.000006p-2f));
  q = v_fma(q, f, v_set(0x1.555548p-2f));
  vf square = f * f;
  vf low = v_fma(e, v_set(0x1.7f7d1cp-20f), q * square * f);
  vf r = v_fma(e, v_set(0x1.62e400p-1f), f + (low - 0.5f * square));
  r = v_select(x == INFINITY, x, r);
  r = v_select(x == 0.0f, v_set(-INFINITY), r);
  return v_select((x < 0.0f) | (x != x), v_set(NAN), r);
}

FN vf v_erf(vf x) {
  vf t = v_min(v_abs(x), v_set(4.0f)), s = x * x;
  // log(erfc(t)) on [0.92, 4]
  vf u = v_fma(v_set(-0x1.61e0a0p-16f), t, v_set(0x1.c78c56p-12f));
  u = v_fma(u, t, v_set(-0x1.1159ecp-8f));
  u = v_fma(u, t, v_set(0x1.9b8e32p-6f));
  u = v_fma(u, t, v_set(-0x1.bb83dap-4f));
  u = v_fma(u, t, v_set(-0x1.44460cp-1f));
  u = v_fma(u, t, v_set(-0x1.2127e4p+0f));
  u = v_fma(u, t, v_set(0x1.6e5700p-13f));
  vf large = v_copysign(1.0f - v_exp(u), x);
  vf p = v_fma(v_set(0x1.4771fcp-14f), s, v_set(-0x1.a3515ep-11f));
  p = v_fma(p, s, v_set(0x1.53f224p-8f));
  p = v_fma(p, s, v_set(-0x1.b7f71ap-6f));
  p = v_fma(p, s, v_set(0x1.ce2ce6p-4f));
  p = v_fma(p, s, v_set(-0x1.81273ep-2f));
  p = v_fma(p, s, v_set(0x1.06eba8p-3f));
  vf small = v_fma(p, x, x);
  return v_select(x != x, x, v_select(t < 0.95f, small, large));
}

FN vf v_tanh(vf x) {
  vf t = v_abs(x), s = x * x;
  vf large = v_copysign(1.0f - 2.0f / (v_exp(t + t) + 1.0f), x);
  vf p = v_fma(v_set(-0x1.7547e2p-8f), s, v_set(0x1.5203f4p-6f));
  p = v_fma(p, s, v_set(-0x1.b836f4p-5f));
  p = v_fma(p, s, v_set(0x1.1106fcp-3f));
  p = v_fma(p, s, v_set(-0x1.555532p-2f));
  vf small = v_fma(p * s, x, x);
  return v_select(x != x, x, v_select(t < 0.625f, small, large));
}

FN vf v_sigmoid(vf x) { return 1.0f / (1.0f + v_exp(-x)); }

/// sin and cos of r in [-pi/4, pi/4].
FN vf v_sin_core(vf r) {
  vf s = r * r;
  vf p = v_fma(v_set(0x1.7c3fa6p-19f), s, v_set(-0x1.a0597ap-13f));
  p = v_fma(p, s, v_set(0x1.111174p-7f));
  p = v_fma(p, s, v_set(-0x1.555556p-3f));
  return v_fma(p * s, r, r);
}
FN vf v_cos_core(vf r) {
  vf s = r * r;
  vf p = v_fma(v_set(-0x1.361c2ap-22f), s, v_set(0x1.a071c6p-16f));
  p = v_fma(p, s, v_set(-0x1.6c175ep-10f));
  p = v_fma(p, s, v_set(0x1.555556p-5f));
  return v_fma(p, s * s, v_fma(v_set(-0.5f), s, v_set(1.0f)));
}

/// sin and cos together. The reduction by pi/2 is done in double, exact enough up to 2^27; larger arguments go to the C library.
FN void v_sincos(vf x, vf *sine, vf *cosine) {
  typedef double vd __attribute__((ext_vector_type(W)));
  vd wide = __builtin_convertvector(x, vd);
  vd n = wide * 0x1.45f306dc9c883p-1;
  const double magic = 6755399441055744.0;  // 1.5 * 2^52: rounds to an integer and leaves it in the low bits
  vd shifted = n + magic;
  typedef int64_t vl __attribute__((ext_vector_type(W)));
  vi quadrant = __builtin_convertvector((vl)shifted, vi);
  vd k = shifted - magic;
  vf r = __builtin_convertvector((wide - k * 0x1.921fb54400000p+0) - k * 0x1.0b4611a626331p-34, vf);
  vf a = v_sin_core(r), b = v_cos_core(r);
  vi swap = (quadrant & 1) != 0;
  vf s = v_select(swap, b, a), c = v_select(swap, a, b);
  s = v_bits(v_int(s) ^ ((quadrant & 2) << 30));
  c = v_bits(v_int(c) ^ (((quadrant + 1) & 2) << 30));
  vi far = (v_abs(x) >= 0x1p27f) | (x != x);
  if (__builtin_expect(__builtin_reduce_or(far), 0))
    for (int i = 0; i < W; i++)
      if (far[i]) { s[i] = sinf(x[i]); c[i] = cosf(x[i]); }
  *sine = s;
  *cosine = c;
}

FN vf v_activate(av_activation kind, vf x) {
  switch (kind) {
  case AV_ACT_RELU: return v_select(x > 0.0f, x, v_select(x != x, x, v_set(0)));
  case AV_ACT_GELU: return 0.5f * x * (1.0f + v_erf(x * 0.70710678f));
  case AV_ACT_GELU_TANH: return 0.5f * x * (1.0f + v_tanh(0.79788456f * v_fma(0.044715f * x, x * x, x)));
  case AV_ACT_QUICK_GELU: return x * v_sigmoid(1.702f * x);
  case AV_ACT_SILU: return x * v_sigmoid(x);
  default: return x;
  }
}
