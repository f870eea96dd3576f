// Linear layers with few rows: dot products that read each weight once, several weight rows and activation rows at a time.
#pragma once
#include "gemm_level.h"
#include "vmath.h"

// Up to thin_most rows this is faster than packing (measured on Zen 4; AVX2 has too few registers to hold four rows of each).
enum { thin_weights = 4, thin_rows = AV_LEVEL == 2 ? 4 : 2, thin_block = 64, thin_most = AV_LEVEL == 2 ? 64 : 16 };

static void epilogue(const av_linear_args *p, const float *raw, int64_t raw_row, int64_t m0, int64_t m, int64_t n0, int64_t n) {
  for (int64_t i = 0; i < m; i++) {
    float *y = p->y + (m0 + i) * p->ldy + n0;
    const float *residual = p->residual ? p->residual + (m0 + i) * p->ldr + n0 : NULL;
    for (int64_t j = 0; j < n; j += W) {
      int64_t left = n - j;
      vf v = v_load_any(raw + i * raw_row + j, left);
      if (p->bias.data) {
        switch (p->bias.type) {
        case AV_F16: v += v_load_as(AV_F16, p->bias.data, n0 + j, left); break;
        case AV_BF16: v += v_load_as(AV_BF16, p->bias.data, n0 + j, left); break;
        default: v += v_load_as(AV_F32, p->bias.data, n0 + j, left);
        }
      }
      v = v_activate(p->activation, v);
      if (residual) v += v_load_any(residual + j, left);
      v_store_any(y + j, v, left);
    }
  }
}

/// Half `u` of the 2 * W weights from element `i` on, W of them. Numbers of bf16 become f32 by being moved up beside zeros, in one instruction
/// that reads memory; it takes half of each 128-bit lane, so that the halves are not the first and the last W. `factor` has the same order.
FN vf weights_half(av_dtype type, int u, const void *w, int64_t i) {
#if AV_LEVEL == 2
  if (type == AV_BF16) {
    const __m512i both = _mm512_loadu_si512((const uint16_t *)w + i), zero = _mm512_setzero_si512();
    return (vf)(u == 0 ? _mm512_unpacklo_epi16(zero, both) : _mm512_unpackhi_epi16(zero, both));
  }
#elif AV_LEVEL == 1
  if (type == AV_BF16) {
    const __m256i both = _mm256_loadu_si256((const __m256i *)((const uint16_t *)w + i)), zero = _mm256_setzero_si256();
    return (vf)(u == 0 ? _mm256_unpacklo_epi16(zero, both) : _mm256_unpackhi_epi16(zero, both));
  }
#endif
  return v_load_as(type, w, i + u * W, W);
}

/// The W activations that meet half `u` of the weights.
FN vf factor_half(av_dtype type, int u, const float *x) {
#if AV_LEVEL == 2
  if (type == AV_BF16) return u == 0 ? _mm512_shuffle_f32x4(v_load(x), v_load(x + W), 0x88) : _mm512_shuffle_f32x4(v_load(x), v_load(x + W), 0xdd);
#elif AV_LEVEL == 1
  if (type == AV_BF16) return _mm256_insertf128_ps(_mm256_castps128_ps256(_mm_loadu_ps(x + u * 4)), _mm_loadu_ps(x + W + u * 4), 1);
#endif
  return v_load(x + u * W);
}

/// out[r * thin_block + c * step] = x row r . weight row c, for constant counts of rows and weights. One row of activations is bound by memory,
/// and asks for what each weight row reads a kilobyte on: the rows that are read side by side lie far apart, so that this is the row that follows.
FN void dots(av_dtype type, const int rows, const int weights, const float *x, int64_t ldx, const char *w, int64_t ldw_bytes, int64_t k, float *out,
             int64_t step) {
  vf sum[thin_rows][thin_weights][2];
  UNROLL for (int r = 0; r < rows; r++) UNROLL for (int c = 0; c < weights; c++) sum[r][c][0] = sum[r][c][1] = v_set(0);
  const char *half[2] = {w, w};
  // Hides that both halves read the same bytes: one load and two unpacks are an instruction more than two unpacks that load.
  __asm__("" : "+r"(half[1]));
  const int64_t size = av_size(type), ahead = 1024;
  int64_t i = 0;
  for (; i + 2 * W <= k; i += 2 * W) {
    if (rows == 1 && i * size % 64 == 0)
      UNROLL for (int c = 0; c < weights; c++)
        UNROLL for (int64_t line = 0; line < 2 * W * size; line += 64) __builtin_prefetch(w + c * ldw_bytes + i * size + ahead + line);
    UNROLL for (int u = 0; u < 2; u++) {
      vf wv[thin_weights], xv[thin_rows];
      UNROLL for (int r = 0; r < rows; r++) xv[r] = factor_half(type, u, x + r * ldx + i);
      UNROLL for (int c = 0; c < weights; c++) {
        wv[c] = weights_half(type, u, half[u] + c * ldw_bytes, i);
        UNROLL for (int r = 0; r < rows; r++) {
          const int s = rows == 1 ? u : 0;
          sum[r][c][s] = v_fma(wv[c], xv[r], sum[r][c][s]);
#if AV_LEVEL > 0
          if (rows == 1) __asm__("" : "+v"(sum[r][c][s]));  // stays in its register: else the compiler adds to the weights' and copies all back
#endif
        }
      }
    }
  }
  for (; i < k; i += W) {
    UNROLL for (int c = 0; c < weights; c++) {
      vf wv = v_load_as(type, w + c * ldw_bytes, i, k - i);
      UNROLL for (int r = 0; r < rows; r++) sum[r][c][0] = v_fma(wv, v_load_any(x + r * ldx + i, k - i), sum[r][c][0]);
    }
  }
  UNROLL for (int r = 0; r < rows; r++)
    UNROLL for (int c = 0; c < weights; c++) out[r * thin_block + c * step] = v_sum(sum[r][c][0] + sum[r][c][1]);
}

/// One row of activations: four streams of weight rows.
FN void thin_one(av_dtype type, const av_linear_args *p, int64_t n0, int64_t n1) {
  enum { most = 512 };
  const int64_t row_bytes = p->ldw * av_size(type);
  for (int64_t block = n0; block < n1; block += most) {
    float out[most];
    int64_t count = n1 - block < most ? n1 - block : most, apart = count / thin_weights;
    const char *w = (const char *)p->w + block * row_bytes;
    for (int64_t c = 0; c < apart; c++) dots(type, 1, thin_weights, p->x, p->ldx, w + c * row_bytes, apart * row_bytes, p->k, out + c, apart);
    for (int64_t c = apart * thin_weights; c < count; c++) dots(type, 1, 1, p->x, p->ldx, w + c * row_bytes, row_bytes, p->k, out + c, 1);
    epilogue(p, out, most, 0, 1, block, count);
  }
}

FN void thin_typed(av_dtype type, const av_linear_args *p, int64_t n0, int64_t n1) {
  if (p->m == 1) { thin_one(type, p, n0, n1); return; }
  const int64_t row_bytes = p->ldw * av_size(type);
  for (int64_t block = n0; block < n1; block += thin_block) {
    float out[thin_most * thin_block];
    int64_t count = n1 - block < thin_block ? n1 - block : thin_block;
    for (int64_t c = 0; c < count; c += thin_weights) {
      const char *w = (const char *)p->w + (block + c) * row_bytes;
      for (int64_t r = 0; r < p->m; r += thin_rows) {
        const float *x = p->x + r * p->ldx;
        float *o = out + r * thin_block + c;
        int64_t rows = p->m - r;
        if (count - c < thin_weights) {
          for (int64_t i = 0; i < rows && i < thin_rows; i++)
            for (int64_t j = c; j < count; j++)
              dots(type, 1, 1, x + i * p->ldx, p->ldx, w + (j - c) * row_bytes, row_bytes, p->k, o + i * thin_block + j - c, 1);
          continue;
        }
        switch (rows) {
        case 1: dots(type, 1, thin_weights, x, p->ldx, w, row_bytes, p->k, o, 1); break;
#if AV_LEVEL == 2
        case 2: dots(type, 2, thin_weights, x, p->ldx, w, row_bytes, p->k, o, 1); break;
        case 3: dots(type, 3, thin_weights, x, p->ldx, w, row_bytes, p->k, o, 1); break;
#endif
        default: dots(type, thin_rows, thin_weights, x, p->ldx, w, row_bytes, p->k, o, 1);
        }
      }
    }
    epilogue(p, out, thin_block, 0, p->m, block, count);
  }
}

static void thin(const av_linear_args *p, int64_t n0, int64_t n1) {
  switch (p->wtype) {
  case AV_F16: thin_typed(AV_F16, p, n0, n1); break;
  case AV_BF16: thin_typed(AV_BF16, p, n0, n1); break;
  default: thin_typed(AV_F32, p, n0, n1);
  }
}
