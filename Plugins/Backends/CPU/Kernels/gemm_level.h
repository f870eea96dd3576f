// The register-tiled kernel over two panels: f32, or with AV_PAIRS pairs of bf16, multiplied by `vdpbf16ps`.
#pragma once
#include "simd.h"

#if AV_LEVEL == 2
enum { tile_rows = 14, tile_vectors = 2 };
#elif AV_LEVEL == 1
enum { tile_rows = 6, tile_vectors = 2 };
#else
enum { tile_rows = 4, tile_vectors = 2 };
#endif
enum { tile_cols = tile_vectors * W, word_multiple = 1 };
#include "pack_level.h"

// A panel of columns of this depth fills half of a first level cache of 32 KiB. The larger tiles of AVX-512 read columns less often, and hold rows instead.
#if AV_LEVEL == 2
enum { depth_words = 384, strip_rows = tile_rows, block_cols = 128 };
#else
enum { depth_words = 256, strip_rows = 12 * tile_rows, block_cols = 128 };
#endif

static void pack_rows(const av_matrix *a, int64_t m, int64_t k0, int64_t k, float *out) {
  const char *at = (const char *)a->data + k0 * a->col * av_size(a->type);
  switch (a->type) {
  case AV_F16: pack_panels(AV_F16, at, a->row, a->col, m, k, tile_rows, out); break;
  case AV_BF16: pack_panels(AV_BF16, at, a->row, a->col, m, k, tile_rows, out); break;
  default: pack_panels(AV_F32, at, a->row, a->col, m, k, tile_rows, out);
  }
}

FN vf multiply_add(float a, vf b, vf c) {
#ifdef AV_PAIRS
  return _mm512_dpbf16_ps(c, (__m512bh)v_set(a), (__m512bh)b);
#else
  return v_fma(v_set(a), b, c);
#endif
}

/// One register tile: `m` rows (a constant at each call) by tile_cols, over k words, which are `step` apart in rows that are `row` apart; `n` columns are stored.
FN void tile(const int m, int64_t n, int64_t k, const float *a, int64_t row, int64_t step, const float *b, float *c, int64_t ldc, bool accumulate) {
  vf sum[tile_rows][tile_vectors];
  UNROLL for (int i = 0; i < m; i++) UNROLL for (int j = 0; j < tile_vectors; j++) sum[i][j] = v_set(0);
  for (int64_t p = 0; p < k; p++, a += step, b += tile_cols) {
    vf column[tile_vectors];
    UNROLL for (int j = 0; j < tile_vectors; j++) column[j] = v_load(b + j * W);
    UNROLL for (int i = 0; i < m; i++) UNROLL for (int j = 0; j < tile_vectors; j++) sum[i][j] = multiply_add(a[i * row], column[j], sum[i][j]);
  }
  if (n == tile_cols) {
    UNROLL for (int i = 0; i < m; i++) UNROLL for (int j = 0; j < tile_vectors; j++) {
      float *o = c + i * ldc + j * W;
      v_store(o, accumulate ? sum[i][j] + v_load(o) : sum[i][j]);
    }
    return;
  }
  UNROLL for (int i = 0; i < m; i++) UNROLL for (int j = 0; j < tile_vectors; j++) {
    float *o = c + i * ldc + j * W;
    int64_t left = n - j * W;
    if (left > 0) v_store_any(o, accumulate ? sum[i][j] + v_load_any(o, left) : sum[i][j], left);
  }
}

/// Panels of rows are `panel_words` apart.
FN void multiply_tiles(int64_t m, int64_t n, int64_t k, const float *a, int64_t panel_words, int64_t row, int64_t step, const float *b, float *c, int64_t ldc, bool accumulate) {
  for (int64_t i = 0; i < m; i += tile_rows, a += panel_words) {
    int64_t rows = m - i < tile_rows ? m - i : tile_rows;
    const float *panel = b;
    for (int64_t j = 0; j < n; j += tile_cols, panel += tile_cols * k) {
      float *o = c + i * ldc + j;
      int64_t cols = n - j < tile_cols ? n - j : tile_cols;
#define ROWS(r) case r: tile(r, cols, k, a, row, step, panel, o, ldc, accumulate); break;
      switch (rows) {
        ROWS(1) ROWS(2) ROWS(3) ROWS(4)
#if AV_LEVEL >= 1
        ROWS(5) ROWS(6)
#endif
#if AV_LEVEL == 2
        ROWS(7) ROWS(8) ROWS(9) ROWS(10) ROWS(11) ROWS(12) ROWS(13) ROWS(14)
#endif
      }
#undef ROWS
    }
  }
}

static void multiply(int64_t m, int64_t n, int64_t k, const float *a, const float *b, float *c, int64_t ldc, bool accumulate) {
  multiply_tiles(m, n, k, a, tile_rows * k, 1, tile_rows, b, c, ldc, accumulate);
}

// Six rows leave registers for their addresses; of fourteen it was not tried.
#if AV_LEVEL == 1
static void multiply_rows(int64_t m, int64_t n, int64_t k, const float *a, int64_t row, const float *b, float *c, int64_t ldc, bool accumulate) {
  multiply_tiles(m, n, k, a, tile_rows * row, row, 1, b, c, ldc, accumulate);
}
#define ROWS_AS_THEY_LIE multiply_rows
#else
#define ROWS_AS_THEY_LIE NULL
#endif

#define GEMM_TABLE { \
  .rows = tile_rows, .cols = tile_cols, .depth = depth_words, .block = block_cols, .strip = strip_rows, .pack_rows = pack_rows, .pack_cols = pack_cols, .multiply = multiply, .multiply_rows = ROWS_AS_THEY_LIE, .pair = word_elements, .multiple = word_multiple }
