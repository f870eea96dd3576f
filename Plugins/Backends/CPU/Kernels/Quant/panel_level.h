// Many rows: weights unpacked into panels of columns, and the register tile that multiplies them with rows of activations.
//
// A panel interleaves its columns word by word, four elements of k to a word, so that one vector holds the same four of as many columns as
// it has lanes, and one word of a row of activations is broadcast against it. Bytes are multiplied as unsigned times signed. AVX2 has no
// such product with 32-bit sums: it sums pairs in 16 bits, of which as many are added as fit (`most_sums`) before they are widened. Bytes
// of Q8_0 do not fit there at all, and go as pairs of 16 bits.
#pragma once
#include "activations_level.h"

#if AV_LEVEL == 2
enum { panel_rows = 12 };
#elif AV_LEVEL == 1
enum { panel_rows = 6 };
#else
enum { panel_rows = 4 };
#endif
enum { panel_cols = tile_cols };  // two vectors, as in the other products
// With 32 registers half of a tile's rows have their sums and their totals in them.
enum { totals_in_memory = AV_LEVEL < 2 };

/// Products of words that may be added before `widen`: 2 * 127 * u * most_sums stays below 2^15.
FN int most_sums(av_dtype type) {
#ifdef AV_PAIRED_SUMS
  switch (type) {
  case AV_Q8_0: return 16;
  case AV_Q5_0: case AV_Q5_1: case AV_Q5_K: return 4;
  case AV_Q6_K: return 2;
  default: return 8;
  }
#else
  return 8;
#endif
}

/// sum += w . x in each lane: four bytes, unsigned times signed, or two signed words of 16 bits.
FN vi add_products(bool wide, vi sum, vi w, vi x) {
#if defined(AV_VNNI) && AV_LEVEL == 2
  return (vi)_mm512_dpbusd_epi32((__m512i)sum, (__m512i)w, (__m512i)x);
#elif defined(AV_VNNI)
  return (vi)AV_DPBUSD_256((__m256i)sum, (__m256i)w, (__m256i)x);
#elif AV_LEVEL == 1
  if (wide) return sum + (vi)_mm256_madd_epi16((__m256i)w, (__m256i)x);
  return (vi)_mm256_add_epi16((__m256i)sum, _mm256_maddubs_epi16((__m256i)w, (__m256i)x));
#elif defined(__ARM_FEATURE_DOTPROD)
  return (vi)vdotq_s32((int32x4_t)sum, (int8x16_t)w, (int8x16_t)x);  // all bytes fit signed ones: Q8_0 has no offset here
#else
  return sum + (w << 24 >> 24) * (x << 24 >> 24) + (w << 16 >> 24) * (x << 16 >> 24) + (w << 8 >> 24) * (x << 8 >> 24) + (w >> 24) * (x >> 24);
#endif
}

/// Sums of products to 32 bits a lane.
FN vi widen(bool wide, vi sum) {
#ifdef AV_PAIRED_SUMS
  return wide ? sum : (vi)_mm256_madd_epi16((__m256i)sum, _mm256_set1_epi16(1));
#else
  return sum;
#endif
}

static void pack_panel(av_dtype type, const void *w, int64_t row, int64_t count, int64_t k0, int64_t k, av_quant_panel panel, void *scratch) {
  const int64_t subs = k / sub_of(type), words = is_wide(type) ? k / 2 : k / 4;
  uint8_t *rows = scratch;
  if (count < panel_cols) {
    memset(rows, 0, (size_t)(panel_cols * words * 4));
    memset(panel.d, 0, (size_t)(subs * panel_cols * 4));
    memset(panel.m, 0, (size_t)(subs * panel_cols * 4));
  }
  for (int64_t c = 0; c < count; c++) {
    uint8_t *u = rows + c * words * 4;
    unpack(type, (const uint8_t *)w + c * row + av_row_bytes(type, k0), k, u, panel.d + c, panel.m + c, panel_cols);
    // From bytes to 16 bits within the row, from its end.
    if (is_wide(type)) for (int64_t i = k - 1; i >= 0; i--) { int16_t wide = (int8_t)u[i]; memcpy(u + 2 * i, &wide, 2); }
  }
  for (int i = 0; i < panel_cols; i += W)
    pack_transposed(AV_F32, rows + i * words * 4, words, W, words, panel_cols, (float *)panel.words + i);
}

/// Unrolled, the compiler would sum in another order, with more values alive than there are registers.
#define KEEP_LOOP _Pragma("clang loop unroll(disable)")

/// total[r][c] += the products over all of k, for `rows` rows (a constant) from row `first` of the tile on. What an offset adds to every product
/// is where the sums begin: whole numbers, so that nothing is rounded.
FN void panel_products(av_dtype type, const int rows, const int first, av_quant_rows x, av_quant_panel panel, int64_t k, vf total[panel_rows][tile_vectors]) {
  const bool wide = is_wide(type), has_offset = offset_of(type) > 0;
  const int sub = (int)sub_of(type), words = sub / (wide ? 2 : 4), group = most_sums(type) < words ? most_sums(type) : words;
  const int32_t *w = panel.words, *q = x.words + first, *start = (const int32_t *)x.shift + first;
  for (int64_t s = 0; s < k / sub; s++, start += panel_rows) {
    // Where they do not fit beside the sums of the turn, the totals live in memory, each read and written once in a turn.
    if (totals_in_memory && group == words) __asm__ volatile("" : : "r"(total) : "memory");
    vi found[panel_rows][tile_vectors];
    UNROLL for (int g = 0; g < words / group; g++) {
      vi part[panel_rows][tile_vectors];
      UNROLL for (int r = 0; r < rows; r++)
        UNROLL for (int c = 0; c < tile_vectors; c++) part[r][c] = has_offset && sums_whole && g == 0 ? (vi)start[r] : (vi)0;
      KEEP_LOOP for (int t = 0; t < group; t++, w += panel_cols, q += panel_rows) {
        vi weight[tile_vectors];
        UNROLL for (int c = 0; c < tile_vectors; c++) memcpy(&weight[c], w + c * W, sizeof weight[c]);
        UNROLL for (int r = 0; r < rows; r++)
          UNROLL for (int c = 0; c < tile_vectors; c++) part[r][c] = add_products(wide, part[r][c], weight[c], (vi)q[r]);
      }
      UNROLL for (int r = 0; r < rows; r++) UNROLL for (int c = 0; c < tile_vectors; c++) {
        vi here = widen(wide, part[r][c]);
        found[r][c] = g > 0 ? found[r][c] + here : has_offset && !sums_whole ? here + (vi)start[r] : here;
      }
    }
    const float *d = panel.d + s * panel_cols, *scale = x.scale + s * sub / 32 * panel_rows + first;
    vf factor[tile_vectors];
    UNROLL for (int c = 0; c < tile_vectors; c++) factor[c] = v_load(d + c * W);
    UNROLL for (int r = 0; r < rows; r++)
      UNROLL for (int c = 0; c < tile_vectors; c++)
        total[first + r][c] = v_fma(v_from_int(found[r][c]), factor[c] * v_set(scale[r]), total[first + r][c]);
  }
}

/// total[r][c] -= what minima take: a product of an eighth of the depth or less, in f32.
FN void subtract_minima(av_dtype type, av_quant_rows x, av_quant_panel panel, int64_t k, vf total[panel_rows][tile_vectors]) {
  vf shift[panel_rows][tile_vectors];
  UNROLL for (int r = 0; r < panel_rows; r++) UNROLL for (int c = 0; c < tile_vectors; c++) shift[r][c] = total[r][c];
  for (int64_t s = 0; s < k / sub_of(type); s++) {
    vf m[tile_vectors];
    UNROLL for (int c = 0; c < tile_vectors; c++) m[c] = v_load(panel.m + s * panel_cols + c * W);
    UNROLL for (int r = 0; r < panel_rows; r++)
      UNROLL for (int c = 0; c < tile_vectors; c++) shift[r][c] -= v_set(((const float *)x.shift)[s * panel_rows + r]) * m[c];
  }
  UNROLL for (int r = 0; r < panel_rows; r++) UNROLL for (int c = 0; c < tile_vectors; c++) total[r][c] = shift[r][c];
}

FN void panel_tile(av_dtype type, av_quant_rows x, av_quant_panel panel, int64_t k, int64_t m, int64_t n, float *y, int64_t ldy, bool accumulate) {
  vf total[panel_rows][tile_vectors];
  for (int r = 0; r < panel_rows; r++)
    for (int c = 0; c < tile_vectors; c++) {
      int64_t left = n - c * W;
      total[r][c] = accumulate && r < m && left > 0 ? v_load_any(y + r * ldy + c * W, left) : v_set(0);
    }
  if (has_minimum(type)) subtract_minima(type, x, panel, k, total);
  // Where sums are widened on the way, twice the registers are taken.
  const int words = (int)sub_of(type) / (is_wide(type) ? 2 : 4);
  if (!totals_in_memory || most_sums(type) < words) {
    panel_products(type, panel_rows / 2, 0, x, panel, k, total);
    if (m > panel_rows / 2) panel_products(type, panel_rows / 2, panel_rows / 2, x, panel, k, total);
  } else {
    panel_products(type, panel_rows, 0, x, panel, k, total);
  }
  for (int64_t r = 0; r < m; r++)
    for (int c = 0; c < tile_vectors; c++)
      if (n - c * W > 0) v_store_any(y + r * ldy + c * W, total[r][c], n - c * W);
}

static void multiply_panel(av_dtype type, av_quant_rows x, av_quant_panel panel, int64_t k, int64_t m, int64_t n, float *y, int64_t ldy, bool accumulate) {
#define CALL(t) panel_tile(t, x, panel, k, m, n, y, ldy, accumulate)
  FOR_TYPE(type, CALL)
#undef CALL
}
