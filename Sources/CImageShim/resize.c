#include "CImageShim.h"

enum { FRACTION_BITS = 22, HALF = 1 << (FRACTION_BITS - 1) };

static inline uint8_t clipped(int32_t sum) {
  int32_t value = sum >> FRACTION_BITS;
  return value < 0 ? 0 : value > 255 ? 255 : (uint8_t)value;
}

// The channel counts are written out so that the sums stay in registers.
static void row3(const uint8_t *row, uint8_t *out, int32_t count, const int32_t *starts, const int32_t *lengths,
                 const int32_t *weights, int32_t taps) {
  for (int32_t x = 0; x < count; x++, weights += taps, out += 3) {
    const uint8_t *in = row + (size_t)starts[x] * 3;
    int32_t r = HALF, g = HALF, b = HALF;
    for (int32_t i = 0; i < lengths[x]; i++, in += 3) {
      int32_t w = weights[i];
      r += in[0] * w;
      g += in[1] * w;
      b += in[2] * w;
    }
    out[0] = clipped(r);
    out[1] = clipped(g);
    out[2] = clipped(b);
  }
}

static void row4(const uint8_t *row, uint8_t *out, int32_t count, const int32_t *starts, const int32_t *lengths,
                 const int32_t *weights, int32_t taps) {
  for (int32_t x = 0; x < count; x++, weights += taps, out += 4) {
    const uint8_t *in = row + (size_t)starts[x] * 4;
    int32_t r = HALF, g = HALF, b = HALF, a = HALF;
    for (int32_t i = 0; i < lengths[x]; i++, in += 4) {
      int32_t w = weights[i];
      r += in[0] * w;
      g += in[1] * w;
      b += in[2] * w;
      a += in[3] * w;
    }
    out[0] = clipped(r);
    out[1] = clipped(g);
    out[2] = clipped(b);
    out[3] = clipped(a);
  }
}

void aviary_resize_row(const uint8_t *row, uint8_t *out, int32_t count, int32_t channels, const int32_t *starts,
                       const int32_t *lengths, const int32_t *weights, int32_t taps) {
  if (channels == 4)
    row4(row, out, count, starts, lengths, weights, taps);
  else
    row3(row, out, count, starts, lengths, weights, taps);
}

void aviary_resize_column(const uint8_t *rows, size_t stride, size_t bytes, const int32_t *weights, int32_t length,
                          uint8_t *out) {
  enum { BLOCK = 64 };
  int32_t sums[BLOCK];
  for (size_t start = 0; start < bytes; start += BLOCK) {
    size_t n = bytes - start < BLOCK ? bytes - start : BLOCK;
    for (size_t i = 0; i < n; i++) sums[i] = HALF;
    const uint8_t *row = rows + start;
    for (int32_t y = 0; y < length; y++, row += stride)
      for (size_t i = 0; i < n; i++) sums[i] += row[i] * weights[y];
    for (size_t i = 0; i < n; i++) out[start + i] = clipped(sums[i]);
  }
}
