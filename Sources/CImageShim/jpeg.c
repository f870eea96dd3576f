#include "CImageShim.h"
#include <math.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jpeglib.h>
#include <jerror.h>

enum { MOST_SCANS = 256 };

typedef struct {
  struct jpeg_decompress_struct info;
  struct jpeg_error_mgr errors;
  struct jpeg_progress_mgr progress;
  jmp_buf escape;
  aviary_image_status status;
  double deadline;
  uint8_t *ink;  // one row of CMYK
} reader;

static reader *owner(j_common_ptr info) { return (reader *)info->client_data; }

static void leave(j_common_ptr info, aviary_image_status status) {
  owner(info)->status = status;
  longjmp(owner(info)->escape, 1);
}

static void fail(j_common_ptr info) {
  switch (info->err->msg_code) {
    case JERR_OUT_OF_MEMORY:
    case JERR_NO_BACKING_STORE: leave(info, AVIARY_IMAGE_MEMORY); break;
    case JERR_INPUT_EMPTY:
    case JERR_INPUT_EOF: leave(info, AVIARY_IMAGE_TRUNCATED); break;
    case JERR_IMAGE_TOO_BIG: leave(info, AVIARY_IMAGE_TOO_LARGE); break;
    case JERR_BAD_PRECISION:
    case JERR_SOF_UNSUPPORTED:
    case JERR_CONVERSION_NOTIMPL: leave(info, AVIARY_IMAGE_UNSUPPORTED); break;
    default: leave(info, AVIARY_IMAGE_CORRUPT);
  }
}

// The library calls damage a warning and invents grey pixels for it. Damaged pictures are refused here instead; what
// does not touch the pixels (stray bytes between segments, odd version numbers) passes.
static void warn(j_common_ptr info, int level) {
  if (level >= 0) return;
  switch (info->err->msg_code) {
    case JWRN_JPEG_EOF:
    case JWRN_HIT_MARKER: leave(info, AVIARY_IMAGE_TRUNCATED); break;
    case JWRN_HUFF_BAD_CODE:
    case JWRN_ARITH_BAD_CODE:
    case JWRN_MUST_RESYNC: leave(info, AVIARY_IMAGE_CORRUPT); break;
    default: break;
  }
}

static void say_nothing(j_common_ptr info) { (void)info; }

// Called between rows of blocks, also while the scans of a progressive file are being collected.
static void check_progress(j_common_ptr info) {
  reader *r = owner(info);
  if (r->info.input_scan_number > MOST_SCANS) leave(info, AVIARY_IMAGE_SCANS);
  if (aviary_monotonic_seconds() > r->deadline) leave(info, AVIARY_IMAGE_TIMEOUT);
}

// Runs inside the caller's setjmp.
static void read_header(reader *r, const uint8_t *data, size_t count, aviary_image_header *header) {
  jpeg_create_decompress(&r->info);
  r->info.progress = &r->progress;
  r->progress.progress_monitor = check_progress;
  jpeg_mem_src(&r->info, data, count);
  jpeg_read_header(&r->info, TRUE);
  header->width = r->info.image_width;
  header->height = r->info.image_height;
  header->channels = 3;
  int components = r->info.num_components;
  if (components != 1 && components != 3 && components != 4) leave((j_common_ptr)&r->info, AVIARY_IMAGE_UNSUPPORTED);
}

static void start(reader *r, double deadline) {
  memset(r, 0, sizeof *r);
  r->info.err = jpeg_std_error(&r->errors);
  r->info.client_data = r;
  r->errors.error_exit = fail;
  r->errors.emit_message = warn;
  r->errors.output_message = say_nothing;
  r->status = AVIARY_IMAGE_CORRUPT;
  r->deadline = deadline;
}

static void finish(reader *r) {
  jpeg_destroy_decompress(&r->info);
  free(r->ink);
}

aviary_image_status aviary_jpeg_header(const uint8_t *data, size_t count, aviary_image_header *header) {
  reader r;
  start(&r, HUGE_VAL);
  if (setjmp(r.escape) == 0) {
    read_header(&r, data, count, header);
    r.status = AVIARY_IMAGE_OK;
  }
  finish(&r);
  return r.status;
}

// a * b / 255, rounded.
static inline int scaled(int a, int b) {
  int product = a * b + 128;
  return ((product >> 8) + product) >> 8;
}

// Four-ink files are stored inverted (Adobe's habit, which Pillow takes for granted), so a sample of 255 is no ink.
static void ink_to_rgb(const uint8_t *ink, uint8_t *out, size_t width) {
  for (size_t x = 0; x < width; x++, ink += 4, out += 3) {
    int white = ink[3];
    for (int c = 0; c < 3; c++) {
      int value = white - scaled(255 - ink[c], white);
      out[c] = value < 0 ? 0 : (uint8_t)value;
    }
  }
}

static void grey_to_rgb(uint8_t *row, size_t width) {
  for (size_t x = width; x-- > 0;) {
    uint8_t grey = row[x];
    row[3 * x] = row[3 * x + 1] = row[3 * x + 2] = grey;
  }
}

aviary_image_status aviary_jpeg_pixels(const uint8_t *data, size_t count, const aviary_image_header *expected,
                                       double deadline, uint8_t *pixels) {
  reader r;
  start(&r, deadline);
  if (setjmp(r.escape) != 0) goto end;
  aviary_image_header header;
  read_header(&r, data, count, &header);
  if (header.width != expected->width || header.height != expected->height || header.channels != expected->channels) {
    r.status = AVIARY_IMAGE_CHANGED;
    goto end;
  }
  int components = r.info.num_components;
  r.info.out_color_space = components == 1 ? JCS_GRAYSCALE : components == 3 ? JCS_RGB : JCS_CMYK;
  jpeg_start_decompress(&r.info);
  if (r.info.output_width != header.width || r.info.output_height != header.height ||
      r.info.output_components != components) {
    r.status = AVIARY_IMAGE_UNSUPPORTED;
    goto end;
  }
  size_t row_bytes = (size_t)header.width * 3;
  if (components == 4) {
    r.ink = malloc((size_t)header.width * 4);
    if (!r.ink) {
      r.status = AVIARY_IMAGE_MEMORY;
      goto end;
    }
  }
  while (r.info.output_scanline < header.height) {
    uint8_t *row = pixels + r.info.output_scanline * row_bytes;
    JSAMPROW target = components == 4 ? r.ink : row;
    if (jpeg_read_scanlines(&r.info, &target, 1) != 1) {
      r.status = AVIARY_IMAGE_TRUNCATED;
      goto end;
    }
    if (components == 4) ink_to_rgb(r.ink, row, header.width);
    if (components == 1) grey_to_rgb(row, header.width);
  }
  r.status = AVIARY_IMAGE_OK;
end:
  finish(&r);
  return r.status;
}
