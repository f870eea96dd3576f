// A thin C face over libjpeg-turbo, libpng and libwebp.
//
// Each format has two calls: one reads the header and allocates nothing that grows with the picture, so that the
// caller can check the sizes; the other decodes into a buffer that the caller has made. No call returns a library's
// text, and none jumps out: both libraries' error jumps end inside the shim.
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum {
  AVIARY_IMAGE_OK = 0,
  AVIARY_IMAGE_CORRUPT,      // the bytes break the format's rules
  AVIARY_IMAGE_TRUNCATED,    // the data ends before the picture does
  AVIARY_IMAGE_UNSUPPORTED,  // a kind of picture that is not read, such as two-channel JPEG
  AVIARY_IMAGE_TOO_LARGE,    // sides beyond what the library reads at all
  AVIARY_IMAGE_MEMORY,       // the library could not allocate
  AVIARY_IMAGE_TIMEOUT,      // the deadline passed
  AVIARY_IMAGE_SCANS,        // more scans than a sane progressive JPEG has
  AVIARY_IMAGE_CHANGED,      // the header differs from the one that the caller checked
} aviary_image_status;

typedef struct {
  uint32_t width, height;
  uint32_t channels;  // of the decoded pixels: 3 (RGB) or 4 (RGB and straight alpha)
} aviary_image_header;

// Seconds on a clock that never goes back; deadlines are on this clock.
double aviary_monotonic_seconds(void);

aviary_image_status aviary_jpeg_header(const uint8_t *data, size_t count, aviary_image_header *header);
aviary_image_status aviary_png_header(const uint8_t *data, size_t count, aviary_image_header *header);
aviary_image_status aviary_webp_header(const uint8_t *data, size_t count, aviary_image_header *header);

// `pixels` has room for exactly width * height * channels bytes of `expected`, the header that the calls above gave.
aviary_image_status aviary_jpeg_pixels(const uint8_t *data, size_t count, const aviary_image_header *expected,
                                       double deadline, uint8_t *pixels);
aviary_image_status aviary_png_pixels(const uint8_t *data, size_t count, const aviary_image_header *expected,
                                      double deadline, uint8_t *pixels);
aviary_image_status aviary_webp_pixels(const uint8_t *data, size_t count, const aviary_image_header *expected,
                                       double deadline, uint8_t *pixels);

// Writes a PNG. Call once with `out` NULL to learn an upper bound of `*out_count`, then with a buffer of that size;
// `*out_count` then becomes the bytes written. `channels` is 3 or 4.
aviary_image_status aviary_png_write(const uint8_t *pixels, uint32_t width, uint32_t height, uint32_t channels,
                                     uint8_t *out, size_t *out_count);

// A character of a fixed-width font: AVIARY_GLYPH_HEIGHT rows from the top, AVIARY_GLYPH_WIDTH pixels each, the left one in
// the highest bit; NULL where the font has none. It has U+FFFD.
enum { AVIARY_GLYPH_WIDTH = 8, AVIARY_GLYPH_HEIGHT = 13 };
const uint8_t *aviary_glyph(uint32_t scalar);

// One row of a separable resize: for each of `count` output pixels, `taps` weights (22 fraction bits) starting at
// source pixel `starts[i]`, of which `lengths[i]` are used. Sums are rounded and clipped to 8 bits.
void aviary_resize_row(const uint8_t *row, uint8_t *out, int32_t count, int32_t channels, const int32_t *starts,
                       const int32_t *lengths, const int32_t *weights, int32_t taps);

// One output row of the vertical pass: `length` rows of `bytes` bytes, `stride` apart, weighted and summed.
void aviary_resize_column(const uint8_t *rows, size_t stride, size_t bytes, const int32_t *weights, int32_t length,
                          uint8_t *out);
