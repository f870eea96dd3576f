// Packing the factors of a blocked product into panels. With AV_PAIRS they hold pairs of bf16 in each 32-bit word, otherwise f32. A file that includes this
// says first how large its tile is (`tile_rows`, `tile_cols`) and of what the words of a panel are a multiple (`word_multiple`).
#pragma once
#include "simd.h"

#ifdef AV_PAIRS
enum { word_elements = 2 };
#else
enum { word_elements = 1 };
#endif

/// The words of a panel that holds k elements.
FN int64_t packed_words(int64_t k) { return ((k + word_elements - 1) / word_elements + word_multiple - 1) / word_multiple * word_multiple; }

/// Reads rows as columns: lane i of vector j becomes lane j of vector i.
FN void transpose(vf v[W]) {
  UNROLL for (int half = W / 2; half > 0; half /= 2) {
    vf t[W];
    UNROLL for (int i = 0; i < W / 2; i++) {
#if AV_LEVEL == 2
      t[2 * i] = __builtin_shufflevector(v[i], v[i + 8], 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
      t[2 * i + 1] = __builtin_shufflevector(v[i], v[i + 8], 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31);
#elif AV_LEVEL == 1
      t[2 * i] = __builtin_shufflevector(v[i], v[i + 4], 0, 8, 1, 9, 2, 10, 3, 11);
      t[2 * i + 1] = __builtin_shufflevector(v[i], v[i + 4], 4, 12, 5, 13, 6, 14, 7, 15);
#else
      t[2 * i] = __builtin_shufflevector(v[i], v[i + 2], 0, 4, 1, 5);
      t[2 * i + 1] = __builtin_shufflevector(v[i], v[i + 2], 2, 6, 3, 7);
#endif
    }
    UNROLL for (int i = 0; i < W; i++) v[i] = t[i];
  }
}

/// One stored element as f32.
FN float element(av_dtype type, const void *data, int64_t i) {
  switch (type) {
  case AV_F16: return av_f32_from_f16(((const uint16_t *)data)[i]);
  case AV_BF16: { uint32_t u = (uint32_t)((const uint16_t *)data)[i] << 16; float f; memcpy(&f, &u, 4); return f; }
  default: return ((const float *)data)[i];
  }
}

/// W words (or the first `n` elements' worth, n >= 1) of k from element `i` on.
FN vf load_words(av_dtype type, const void *data, int64_t i, int64_t n) {
#ifdef AV_PAIRS
  if (type == AV_BF16) {
    const uint16_t *p = (const uint16_t *)data + i;
    return (vf)(n >= 2 * W ? _mm512_loadu_si512(p) : _mm512_maskz_loadu_epi16((__mmask32)((1ull << n) - 1), p));
  }
  vf low = v_load_as(type, data, i, n), high = n > W ? v_load_as(type, data, i + W, n - W) : v_set(0);
  return (vf)_mm512_cvtne2ps_pbh(high, low);
#else
  return v_load_as(type, data, i, n);
#endif
}

/// Packs `count` (at most W) rows whose elements along k are neighbours into columns of a panel `width` wide.
FN void pack_transposed(av_dtype type, const void *data, int64_t stride, int64_t count, int64_t k, int64_t width, float *out) {
  for (int64_t at = 0; at < k; at += W * word_elements) {
    vf v[W];
    int64_t left = k - at;
    if (at * av_size(type) % 64 == 0)  // the lines that follow come next, and are too far apart for the hardware to foresee
      for (int i = 0; i < W; i++) __builtin_prefetch((const char *)data + ((i + W) * stride + at) * av_size(type), 0, 2);
    UNROLL for (int i = 0; i < W; i++) v[i] = i < count ? load_words(type, data, i * stride + at, left) : v_set(0);
    transpose(v);
    int64_t words = (left + word_elements - 1) / word_elements;
    float *o = out + at / word_elements * width;
    if (words > W || (width >= W && words == W)) {
      UNROLL for (int i = 0; i < W; i++) v_store(o + i * width, v[i]);  // a panel narrower than a vector: the next store mends the overlap
    } else {
      for (int64_t i = 0; i < W && i < words; i++) v_store_any(o + i * width, v[i], width);
    }
  }
}

/// Packs a panel of `width` lines of any strides, `count` of them real.
FN void pack_general(av_dtype type, const void *data, int64_t line, int64_t step, int64_t count, int64_t k, int64_t width, float *out) {
  int64_t words = (k + word_elements - 1) / word_elements;
  for (int64_t p = 0; p < words; p++)
    for (int64_t i = 0; i < width; i++) {
#ifdef AV_PAIRS
      vf low = v_set(i < count ? element(type, data, i * line + 2 * p * step) : 0);
      vf high = v_set(i < count && 2 * p + 1 < k ? element(type, data, i * line + (2 * p + 1) * step) : 0);
      out[p * width + i] = ((vf)_mm512_unpacklo_epi16((__m512i)(_mm512_castsi256_si512((__m256i)_mm512_cvtneps_pbh(low))),
                                                       (__m512i)(_mm512_castsi256_si512((__m256i)_mm512_cvtneps_pbh(high)))))[0];
#else
      out[p * width + i] = i < count ? element(type, data, i * line + p * step) : 0;
#endif
    }
}

/// W words of two steps along k, from line `i` on; of step `p + 1` zeros where that is not real.
FN vf two_steps(av_dtype type, const void *data, int64_t step, int64_t p, bool both, int64_t i, int64_t lines) {
  vf low = v_load_as(type, data, p * step + i, lines - i);
#ifdef AV_PAIRS
  vf high = both ? v_load_as(type, data, (p + 1) * step + i, lines - i) : v_set(0);
  typedef uint16_t words __attribute__((ext_vector_type(2 * W)));
  const words order = {0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31};
  return (vf)_mm512_permutexvar_epi16((__m512i)order, (__m512i)_mm512_cvtne2ps_pbh(high, low));
#else
  return low;
#endif
}

/// Packs a panel whose lines are neighbours in memory at each k; `lines` may be read, the first `width` are wanted.
FN void pack_copied(av_dtype type, const void *data, int64_t step, int64_t lines, int64_t k, int64_t width, float *out) {
  enum { ahead = 16 };  // steps are too long for the hardware to foresee
  for (int64_t p = 0; p < k; p += word_elements, out += width) {
    for (int j = 0; j < word_elements; j++) __builtin_prefetch((const char *)data + (p + j + ahead) * step * av_size(type), 0, 3);
    for (int64_t i = 0; i < width; i += W) {
      vf v = lines - i > 0 ? two_steps(type, data, step, p, p + 1 < k, i, lines) : v_set(0);
      if (p + word_elements < k || width - i >= W) v_store(out + i, v);  // what runs over is mended by the next words
      else v_store_n(out + i, v, width - i);
    }
  }
}

/// As pack_copied, but `panels` of them at once, `apart` floats from each other and narrower than a vector: all that a line of memory brings is used while it is at hand,
/// where a panel alone would use a third of it. Beyond the last panel's lines a vector may be read.
FN void pack_side_by_side(av_dtype type, const void *data, int64_t step, int64_t panels, int64_t apart, int64_t k, int64_t width, float *out) {
  enum { ahead = 8 };
  for (int64_t p = 0; p < k; p += word_elements, out += width) {
    for (int j = 0; j < word_elements; j++)
      for (int64_t i = 0; i < panels * width * av_size(type); i += 64) __builtin_prefetch((const char *)data + (p + j + ahead) * step * av_size(type) + i, 0, 3);
    const bool runs_over = p + word_elements < k;  // which the next words mend
    for (int64_t i = 0; i < panels; i++) {
      vf v = two_steps(type, data, step, p, p + 1 < k, i * width, i * width + 2 * W);
      if (runs_over) v_store(out + i * apart, v);
      else v_store_n(out + i * apart, v, width);
    }
  }
}

FN void pack_panels(av_dtype type, const void *data, int64_t line, int64_t step, int64_t lines, int64_t k, int64_t width, float *out) {
  const int64_t words = (k + word_elements - 1) / word_elements, all = packed_words(k);
  enum { side_by_side = 32 };
  int64_t begun = 0;
  if (line == 1 && width < W) {
    for (int64_t panels; (panels = (lines - begun - (W - width)) / width) > 0; begun += panels * width) {
      if (panels > side_by_side) panels = side_by_side;
      pack_side_by_side(type, (const char *)data + begun * av_size(type), step, panels, all * width, k, width, out);
      for (int64_t i = 0; all > words && i < panels; i++) memset(out + (i * all + words) * width, 0, (size_t)((all - words) * width) * 4);
      out += panels * all * width;
    }
  }
  for (int64_t first = begun; first < lines; first += width, out += all * width) {
    const char *at = (const char *)data + first * line * av_size(type);
    int64_t count = lines - first < width ? lines - first : width;
    if (step == 1) {
      for (int64_t i = 0; i < width; i += W)
        pack_transposed(type, at + i * line * av_size(type), line, count - i, k, width, out + i);
    } else if (line == 1) {
      pack_copied(type, at, step, lines - first, k, width, out);
    } else {
      pack_general(type, at, line, step, count, k, width, out);
    }
    if (all > words) memset(out + words * width, 0, (size_t)((all - words) * width) * 4);
  }
}

/// `count` pixels of a picture's row from `x` on, `stride` apart; zeros outside of its `width`.
FN void copy_pixels(const float *row, int64_t width, int64_t x, int64_t stride, int64_t count, float *out) {
  int64_t first = x < 0 ? (-x + stride - 1) / stride : 0, end = x < width ? (width - 1 - x) / stride + 1 : 0;
  if (first > count) first = count;
  if (end > count) end = count;
  int64_t i = 0;
  for (; i < first; i++) out[i] = 0;
  if (stride == 1) for (; i < end; i++) out[i] = row[x + i];
  else for (; i < end; i++) out[i] = row[x + i * stride];
  for (; i < count; i++) out[i] = 0;
}

/// Packs the patches under output pixels n0..<n0 + n: what im2col would store, straight into panels.
static void pack_patches(const av_columns *b, int64_t n0, int64_t n, int64_t k0, int64_t k, float *out) {
  const av_conv2d_args *c = b->conv;
  const float *picture = b->data;
  for (int64_t first = 0; first < n; first += tile_cols, out += k * tile_cols) {
    const int64_t count = n - first < tile_cols ? n - first : tile_cols;
    int64_t kx = k0 % c->kw, ky = k0 / c->kw % c->kh, channel = k0 / (c->kw * c->kh);
    for (int64_t p = 0; p < k; p++) {
      const float *plane = picture + channel * c->h * c->w;
      float *o = out + p * tile_cols;
      int64_t oy = (n0 + first) / c->ow, ox = (n0 + first) % c->ow;
      for (int64_t i = 0; i < count; oy++, ox = 0) {  // a piece of an output row at a time
        int64_t run = count - i < c->ow - ox ? count - i : c->ow - ox, iy = oy * c->stride_y + ky * c->dilation_y - c->pad_top;
        int64_t height = iy >= 0 && iy < c->h ? c->w : 0;  // of a row outside nothing is read
        copy_pixels(plane + (height > 0 ? iy * c->w : 0), height, ox * c->stride_x + kx * c->dilation_x - c->pad_left, c->stride_x, run, o + i);
        i += run;
      }
      for (int64_t i = count; i < tile_cols; i++) o[i] = 0;
      if (++kx == c->kw) { kx = 0; if (++ky == c->kh) { ky = 0; channel++; } }
    }
  }
}

static void pack_cols(const av_columns *b, int64_t n0, int64_t n, int64_t k0, int64_t k, float *out) {
  if (b->conv) { pack_patches(b, n0, n, k0, k, out); return; }
  const char *at = (const char *)b->data + (n0 * b->n_stride + k0 * b->k_stride) * av_size(b->type);
  switch (b->type) {
  case AV_F16: pack_panels(AV_F16, at, b->n_stride, b->k_stride, n, k, tile_cols, out); break;
  case AV_BF16: pack_panels(AV_BF16, at, b->n_stride, b->k_stride, n, k, tile_cols, out); break;
  default: pack_panels(AV_F32, at, b->n_stride, b->k_stride, n, k, tile_cols, out);
  }
}
