#include "CImageShim.h"
#include <png.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
  const uint8_t *data;
  size_t count, offset;
  aviary_image_status status;
} source;

typedef struct {
  png_structp png;
  png_infop info;
  source from;
  uint8_t *wide;  // rows of 16-bit grey, before they are narrowed
} reader;

static void fail(png_structp png, png_const_charp text) {
  (void)text;
  png_longjmp(png, 1);
}

static void ignore(png_structp png, png_const_charp text) {
  (void)png;
  (void)text;
}

static void pull(png_structp png, png_bytep out, size_t count) {
  source *from = png_get_io_ptr(png);
  if (count > from->count - from->offset) {
    from->status = AVIARY_IMAGE_TRUNCATED;
    png_longjmp(png, 1);
  }
  memcpy(out, from->data + from->offset, count);
  from->offset += count;
}

static void finish(reader *r) {
  if (r->png) png_destroy_read_struct(&r->png, &r->info, NULL);
  free(r->wide);
}

// Everything that does not change the pixels is skipped unread, so a bomb in a text or profile chunk is never inflated.
static void skip_other_chunks(png_structp png) {
  static const png_byte names[] = "bKGD\0cHRM\0eXIf\0gAMA\0hIST\0iCCP\0iTXt\0oFFs\0pCAL\0pHYs\0sBIT\0sCAL\0sPLT\0sRGB\0tEXt\0tIME\0zTXt";
  png_set_keep_unknown_chunks(png, PNG_HANDLE_CHUNK_NEVER, names, (int)(sizeof names / 5));
}

static bool start(reader *r, const uint8_t *data, size_t count) {
  memset(r, 0, sizeof *r);
  r->from = (source){data, count, 0, AVIARY_IMAGE_CORRUPT};
  r->png = png_create_read_struct(PNG_LIBPNG_VER_STRING, NULL, fail, ignore);
  if (r->png) r->info = png_create_info_struct(r->png);
  if (!r->info) {
    r->from.status = AVIARY_IMAGE_MEMORY;
    return false;
  }
  png_set_read_fn(r->png, &r->from, pull);
  // The caller has limits of its own; these let its error name the sizes instead of ours.
  png_set_user_limits(r->png, 0x7fffffff, 0x7fffffff);
  return true;
}

// Reads up to the first IDAT. Runs inside the caller's setjmp.
static void read_header(reader *r, aviary_image_header *header) {
  skip_other_chunks(r->png);
  png_read_info(r->png, r->info);
  png_byte colour = png_get_color_type(r->png, r->info);
  bool alpha = (colour & PNG_COLOR_MASK_ALPHA) || png_get_valid(r->png, r->info, PNG_INFO_tRNS);
  header->width = png_get_image_width(r->png, r->info);
  header->height = png_get_image_height(r->png, r->info);
  header->channels = alpha ? 4 : 3;
}

aviary_image_status aviary_png_header(const uint8_t *data, size_t count, aviary_image_header *header) {
  reader r;
  if (start(&r, data, count)) {
    if (setjmp(png_jmpbuf(r.png)) == 0) {
      read_header(&r, header);
      r.from.status = AVIARY_IMAGE_OK;
    }
  }
  finish(&r);
  return r.from.status;
}

// Pillow keeps 16-bit grey as it is and clips it, not scales it, when it becomes RGB; alpha is the high byte.
static void narrow_grey(const uint8_t *in, uint8_t *out, size_t width, uint32_t channels) {
  for (size_t x = 0; x < width; x++, out += channels) {
    uint8_t grey = in[0] ? 255 : in[1];
    in += 2;
    out[0] = out[1] = out[2] = grey;
    if (channels == 4) {
      out[3] = in[0];
      in += 2;
    }
  }
}

static bool late(double deadline) { return aviary_monotonic_seconds() > deadline; }

aviary_image_status aviary_png_pixels(const uint8_t *data, size_t count, const aviary_image_header *expected,
                                      double deadline, uint8_t *pixels) {
  reader r;
  if (!start(&r, data, count)) goto end;
  if (setjmp(png_jmpbuf(r.png)) != 0) goto end;
  aviary_image_header header;
  read_header(&r, &header);
  if (header.width != expected->width || header.height != expected->height || header.channels != expected->channels) {
    r.from.status = AVIARY_IMAGE_CHANGED;
    goto end;
  }
  png_byte colour = png_get_color_type(r.png, r.info);
  bool wide_grey = colour == PNG_COLOR_TYPE_GRAY && png_get_bit_depth(r.png, r.info) == 16;
  if (wide_grey) {
    if (header.channels == 4) png_set_tRNS_to_alpha(r.png);
  } else {
    png_set_strip_16(r.png);
    png_set_expand(r.png);
    png_set_gray_to_rgb(r.png);
  }
  int passes = png_set_interlace_handling(r.png);
  png_read_update_info(r.png, r.info);

  size_t row_bytes = (size_t)header.width * header.channels;
  size_t library_bytes = png_get_rowbytes(r.png, r.info);
  size_t wide_bytes = (size_t)header.width * (header.channels == 4 ? 4 : 2);
  if (library_bytes != (wide_grey ? wide_bytes : row_bytes)) {
    r.from.status = AVIARY_IMAGE_UNSUPPORTED;
    goto end;
  }
  if (wide_grey) {
    // Interlaced passes fill in a row bit by bit, so wide rows must all stay until the last pass.
    r.wide = calloc(header.height, wide_bytes);
    if (!r.wide) {
      r.from.status = AVIARY_IMAGE_MEMORY;
      goto end;
    }
  }
  uint8_t *base = wide_grey ? r.wide : pixels;
  for (int pass = 0; pass < passes; pass++) {
    for (uint32_t y = 0; y < header.height; y++) {
      png_read_row(r.png, base + (size_t)y * library_bytes, NULL);
      if ((y & 15) == 0 && late(deadline)) {
        r.from.status = AVIARY_IMAGE_TIMEOUT;
        goto end;
      }
    }
  }
  if (wide_grey)
    for (uint32_t y = 0; y < header.height; y++)
      narrow_grey(r.wide + (size_t)y * wide_bytes, pixels + (size_t)y * row_bytes, header.width, header.channels);
  png_read_end(r.png, NULL);  // checks the last checksum and that the file has its end
  r.from.status = AVIARY_IMAGE_OK;
end:
  finish(&r);
  return r.from.status;
}

aviary_image_status aviary_png_write(const uint8_t *pixels, uint32_t width, uint32_t height, uint32_t channels,
                                     uint8_t *out, size_t *out_count) {
  png_image image;
  memset(&image, 0, sizeof image);
  image.version = PNG_IMAGE_VERSION;
  image.width = width;
  image.height = height;
  image.format = channels == 4 ? PNG_FORMAT_RGBA : PNG_FORMAT_RGB;
  if (!out) {
    *out_count = PNG_IMAGE_PNG_SIZE_MAX(image);
    return AVIARY_IMAGE_OK;
  }
  png_alloc_size_t size = *out_count;
  int written = png_image_write_to_memory(&image, out, &size, 0, pixels, 0, NULL);
  png_image_free(&image);
  *out_count = written ? size : 0;
  return written ? AVIARY_IMAGE_OK : AVIARY_IMAGE_MEMORY;
}
