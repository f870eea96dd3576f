#include "CImageShim.h"
#include <string.h>
#include <webp/decode.h>
#include <webp/demux.h>

static aviary_image_status status_of(VP8StatusCode code) {
  switch (code) {
    case VP8_STATUS_OK: return AVIARY_IMAGE_OK;
    case VP8_STATUS_OUT_OF_MEMORY: return AVIARY_IMAGE_MEMORY;
    case VP8_STATUS_NOT_ENOUGH_DATA:
    case VP8_STATUS_SUSPENDED: return AVIARY_IMAGE_TRUNCATED;
    case VP8_STATUS_UNSUPPORTED_FEATURE: return AVIARY_IMAGE_UNSUPPORTED;
    default: return AVIARY_IMAGE_CORRUPT;
  }
}

static aviary_image_status features(const uint8_t *data, size_t count, aviary_image_header *header, bool *animated) {
  // The decoder would not miss what is cut off behind the pixels.
  uint64_t announced = count < 8 ? 0 : data[4] | data[5] << 8 | data[6] << 16 | (uint64_t)data[7] << 24;
  if (announced + 8 > count) return AVIARY_IMAGE_TRUNCATED;
  WebPBitstreamFeatures f;
  VP8StatusCode code = WebPGetFeatures(data, count, &f);
  if (code != VP8_STATUS_OK) return status_of(code);
  if (f.width <= 0 || f.height <= 0) return AVIARY_IMAGE_CORRUPT;
  *header = (aviary_image_header){(uint32_t)f.width, (uint32_t)f.height, f.has_alpha ? 4 : 3};
  *animated = f.has_animation;
  return AVIARY_IMAGE_OK;
}

aviary_image_status aviary_webp_header(const uint8_t *data, size_t count, aviary_image_header *header) {
  bool animated;
  return features(data, count, header, &animated);
}

// Decodes one bitstream into a window of the canvas, in slices, so that the deadline is looked at between them.
// `room` is the bytes from `pixels` to the end of the canvas.
static aviary_image_status decode(const uint8_t *data, size_t count, const aviary_image_header *canvas,
                                  double deadline, uint8_t *pixels, size_t room) {
  enum { SLICE = 1 << 16 };
  WEBP_CSP_MODE mode = canvas->channels == 4 ? MODE_RGBA : MODE_RGB;
  WebPIDecoder *decoder = WebPINewRGB(mode, pixels, room, (int)(canvas->width * canvas->channels));
  if (!decoder) return AVIARY_IMAGE_MEMORY;
  VP8StatusCode code = VP8_STATUS_SUSPENDED;
  aviary_image_status status = AVIARY_IMAGE_OK;
  for (size_t end = 0; code == VP8_STATUS_SUSPENDED && end < count;) {
    end = count - end < SLICE ? count : end + SLICE;
    code = WebPIUpdate(decoder, data, end);
    if (aviary_monotonic_seconds() > deadline) status = AVIARY_IMAGE_TIMEOUT;
    if (status != AVIARY_IMAGE_OK) break;
  }
  WebPIDelete(decoder);
  return status != AVIARY_IMAGE_OK ? status : status_of(code);
}

// The first frame lies somewhere on a canvas that is transparent black at the start.
static aviary_image_status decode_first_frame(const uint8_t *data, size_t count, const aviary_image_header *canvas,
                                              double deadline, uint8_t *pixels) {
  WebPData bytes = {data, count};
  WebPDemuxer *demuxer = WebPDemux(&bytes);
  if (!demuxer) return AVIARY_IMAGE_CORRUPT;
  aviary_image_status status = AVIARY_IMAGE_CORRUPT;
  WebPIterator frame;
  if (WebPDemuxGetFrame(demuxer, 1, &frame)) {
    bool inside = frame.x_offset >= 0 && frame.y_offset >= 0 && frame.width > 0 && frame.height > 0 &&
                  (uint32_t)frame.x_offset + (uint32_t)frame.width <= canvas->width &&
                  (uint32_t)frame.y_offset + (uint32_t)frame.height <= canvas->height;
    if (inside) {
      size_t stride = (size_t)canvas->width * canvas->channels;
      size_t total = stride * canvas->height;
      size_t offset = (size_t)frame.y_offset * stride + (size_t)frame.x_offset * canvas->channels;
      memset(pixels, 0, total);
      status = decode(frame.fragment.bytes, frame.fragment.size, canvas, deadline, pixels + offset, total - offset);
    }
    WebPDemuxReleaseIterator(&frame);
  }
  WebPDemuxDelete(demuxer);
  return status;
}

aviary_image_status aviary_webp_pixels(const uint8_t *data, size_t count, const aviary_image_header *expected,
                                       double deadline, uint8_t *pixels) {
  aviary_image_header header;
  bool animated;
  aviary_image_status status = features(data, count, &header, &animated);
  if (status != AVIARY_IMAGE_OK) return status;
  if (header.width != expected->width || header.height != expected->height || header.channels != expected->channels)
    return AVIARY_IMAGE_CHANGED;
  if (animated) return decode_first_frame(data, count, &header, deadline, pixels);
  return decode(data, count, &header, deadline, pixels, (size_t)header.width * header.height * header.channels);
}
