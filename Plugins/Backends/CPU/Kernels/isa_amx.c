// Products of bf16 pairs by AMX's tiles (Sapphire Rapids and later): 16 rows by 16 columns over 32 elements in one instruction.
#if defined(__x86_64__)
#include <immintrin.h>
#include <float.h>
#include <math.h>
#include <string.h>
#include "Quant/quant_table.h"
#define AV_LEVEL 2
#define AV_PAIRS
#pragma clang attribute push(__attribute__((target("amx-tile,amx-bf16,avx512f,avx512bw,avx512vl,avx512dq,avx512bf16,avx2,fma,f16c"))), apply_to = function)
// Four tiles of sums, two of rows and two of columns: each that is loaded is used twice. Both factors come from the second level cache, which keeps up: so panels may be
// deep, and sums are seldom put away. A strip of two panels of rows takes an eighth of 2 MiB, a block of columns a quarter.
enum { tile_rows = 32, tile_cols = 32, tile_words = 16, word_multiple = tile_words, depth_words = 1024, strip_rows = 2 * tile_rows, block_cols = 128 };
_Static_assert(block_cols * depth_words * 4 <= av_scratch_bytes / 2, "a product on one thread keeps its columns in half of the scratch memory");
#include "pack_level.h"

/// Rows whose elements along k are neighbours, or of any strides.
FN void pack_lying_rows(av_dtype type, const char *data, int64_t line, int64_t step, int64_t count, int64_t k, float *out) {
  for (int64_t r = 0; r < tile_rows; r++) {
    const char *row = data + r * line * av_size(type);
    for (int64_t at = 0; at < k; at += 2 * W) {
      const int64_t left = k - at;
      vf v = v_set(0);
      if (r < count && step == 1) {
        v = load_words(type, row, at, left);
      } else if (r < count) {
        float apart[2 * W] = {0};
        for (int64_t i = 0; i < 2 * W && i < left; i++) apart[i] = element(type, row, (at + i) * step);
        v = load_words(AV_F32, apart, 0, 2 * W);
      }
      v_store(out + (at / (2 * W) * tile_rows + r) * W, v);
    }
  }
}

/// Rows that are neighbours at each k.
FN void pack_standing_rows(av_dtype type, const char *data, int64_t step, int64_t count, int64_t k, float *out) {
  for (int64_t at = 0; at < k; at += 2 * W)
    for (int64_t r = 0; r < tile_rows; r += W) {
      vf v[2][W];
      UNROLL for (int half = 0; half < 2; half++) {
        UNROLL for (int i = 0; i < W; i++) {
          const int64_t p = at + half * W + i;
          v[half][i] = p < k && r < count ? v_load_as(type, data, p * step + r, count - r) : v_set(0);
        }
        transpose(v[half]);
      }
      UNROLL for (int i = 0; i < W; i++) v_store(out + (at / (2 * W) * tile_rows + r + i) * W, (vf)_mm512_cvtne2ps_pbh(v[1][i], v[0][i]));
    }
}

FN void pack_row_tiles(av_dtype type, const av_matrix *a, int64_t m, int64_t k0, int64_t k, float *out) {
  for (int64_t first = 0; first < m; first += tile_rows, out += tile_rows * packed_words(k)) {
    const char *data = (const char *)a->data + (first * a->row + k0 * a->col) * av_size(type);
    const int64_t count = m - first < tile_rows ? m - first : tile_rows;
    if (a->row == 1 && a->col != 1) pack_standing_rows(type, data, a->col, count, k, out);
    else pack_lying_rows(type, data, a->row, a->col, count, k, out);
  }
}

/// Unlike columns, rows stay rows: panel [k / 32][rows][32 elements].
static void pack_rows(const av_matrix *a, int64_t m, int64_t k0, int64_t k, float *out) {
  switch (a->type) {
  case AV_F16: pack_row_tiles(AV_F16, a, m, k0, k, out); break;
  case AV_BF16: pack_row_tiles(AV_BF16, a, m, k0, k, out); break;
  default: pack_row_tiles(AV_F32, a, m, k0, k, out);
  }
}

/// Columns whose blocks are quantised: to f32 by rows, then to pairs as others are.
static void pack_quantised(const av_columns *b, int64_t n0, int64_t n, int64_t k0, int64_t k, float *out) {
  enum { piece = 256 };
  float numbers[W][piece];
  for (int64_t first = 0; first < n; first += tile_cols, out += packed_words(k) * tile_cols)
    for (int64_t i = 0; i < tile_cols; i += W)
      for (int64_t at = 0; at < k; at += piece) {
        const int64_t left = n - first - i, count = left < 0 ? 0 : left < W ? left : W, depth = k - at < piece ? k - at : piece;
        for (int64_t r = 0; r < count; r++)
          av_quant_avx512vnni.dequantize(b->type, (const uint8_t *)b->data + av_row_bytes(b->type, (n0 + first + i + r) * b->n_stride + k0 + at), depth, numbers[r]);
        pack_transposed(AV_F32, numbers, piece, count, depth, tile_cols, out + at / word_elements * tile_cols + i);
      }
}

static void pack_any_cols(const av_columns *b, int64_t n0, int64_t n, int64_t k0, int64_t k, float *out) {
  if (av_is_quantised(b->type)) pack_quantised(b, n0, n, k0, k, out);
  else pack_cols(b, n0, n, k0, k, out);
}

/// Sums of 32 x 32, or of the upper 16 x 32. Numbers of tiles are part of the instructions: 0...3 sums, 4 and 5 rows, 6 and 7 columns.
FN void multiply_tiles(const bool both, int64_t k, const float *a, const float *b) {
  enum { bytes = 64, half = 16 * tile_words };
  for (int64_t p = 0; p < k; p += tile_words, a += tile_rows * tile_words, b += tile_cols * tile_words) {
    _tile_loadd(4, a, bytes);
    _tile_loadd(6, b, tile_cols * 4);
    _tile_loadd(7, b + 16, tile_cols * 4);
    _tile_dpbf16ps(0, 4, 6);
    _tile_dpbf16ps(1, 4, 7);
    if (!both) continue;
    _tile_loadd(5, a + half, bytes);
    _tile_dpbf16ps(2, 5, 6);
    _tile_dpbf16ps(3, 5, 7);
  }
}

FN void load_sums(const bool both, const float *c, int64_t ldc) {
  _tile_loadd(0, c, ldc * 4);
  _tile_loadd(1, c + 16, ldc * 4);
  if (!both) return;
  _tile_loadd(2, c + 16 * ldc, ldc * 4);
  _tile_loadd(3, c + 16 * ldc + 16, ldc * 4);
}
FN void store_sums(const bool both, float *c, int64_t ldc) {
  _tile_stored(0, c, ldc * 4);
  _tile_stored(1, c + 16, ldc * 4);
  if (!both) return;
  _tile_stored(2, c + 16 * ldc, ldc * 4);
  _tile_stored(3, c + 16 * ldc + 16, ldc * 4);
}
FN void zero_sums(void) {
  _tile_zero(0);
  _tile_zero(1);
  _tile_zero(2);
  _tile_zero(3);
}

/// One tile of which `m` rows and `n` columns are real; where that is not all, by way of a whole one.
FN void tile(const bool both, int64_t m, int64_t n, int64_t k, const float *a, const float *b, float *c, int64_t ldc, bool accumulate) {
  const bool whole = m == (both ? tile_rows : tile_rows / 2) && n == tile_cols;
  if (accumulate && whole) load_sums(both, c, ldc);
  else zero_sums();
  multiply_tiles(both, k, a, b);
  if (whole) { store_sums(both, c, ldc); return; }
  float sums[tile_rows * tile_cols];
  store_sums(both, sums, tile_cols);
  for (int64_t i = 0; i < m; i++)
    for (int64_t j = 0; j < n; j += W) {
      float *o = c + i * ldc + j;
      vf v = v_load(sums + i * tile_cols + j);
      v_store_any(o, accumulate ? v + v_load_any(o, n - j) : v, n - j);
    }
}

static void multiply(int64_t m, int64_t n, int64_t k, const float *a, const float *b, float *c, int64_t ldc, bool accumulate) {
  static const struct { uint8_t palette, start; uint8_t reserved[14]; uint16_t row_bytes[16]; uint8_t rows[16]; } whole = {
    .palette = 1, .row_bytes = {64, 64, 64, 64, 64, 64, 64, 64}, .rows = {16, 16, 16, 16, 16, 16, 16, 16},
  };
  _tile_loadconfig(&whole);
  for (int64_t i = 0; i < m; i += tile_rows, a += tile_rows * k) {
    const int64_t rows = m - i < tile_rows ? m - i : tile_rows;
    for (int64_t j = 0; j < n; j += tile_cols) {
      const int64_t cols = n - j < tile_cols ? n - j : tile_cols;
      float *o = c + i * ldc + j;
      if (rows > tile_rows / 2) tile(true, rows, cols, k, a, b + j * k, o, ldc, accumulate);
      else tile(false, rows, cols, k, a, b + j * k, o, ldc, accumulate);
    }
  }
  _tile_release();  // a thread with empty tiles is switched as cheaply as before
}

const av_gemm_table av_gemm_amx = {
  .rows = tile_rows, .cols = tile_cols, .depth = depth_words, .block = block_cols, .strip = strip_rows, .pack_rows = pack_rows, .pack_cols = pack_any_cols, .multiply = multiply,
  .pair = word_elements, .multiple = word_multiple,
};
#pragma clang attribute pop
#endif
