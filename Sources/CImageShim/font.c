#include "CImageShim.h"

typedef struct {
  uint32_t scalar;
  uint8_t rows[AVIARY_GLYPH_HEIGHT];
} glyph;

// In ascending order of code points.
static const glyph glyphs[] = {
#include "font/misc-fixed-8x13.inc"
};

const uint8_t *aviary_glyph(uint32_t scalar) {
  size_t low = 0, high = sizeof glyphs / sizeof *glyphs;
  while (low < high) {
    size_t middle = low + (high - low) / 2;
    if (glyphs[middle].scalar == scalar) return glyphs[middle].rows;
    if (glyphs[middle].scalar < scalar) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return NULL;
}
