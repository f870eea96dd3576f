#include "aviary_font.h"
#include <math.h>
#include <stdlib.h>
#include <ft2build.h>
#include FT_FREETYPE_H
#include FT_OUTLINE_H

struct aviary_font {
  FT_Library library;
  FT_Face face;
};

aviary_font *aviary_font_open(const char *path) {
  aviary_font *font = calloc(1, sizeof *font);
  if (!font) return NULL;
  if (FT_Init_FreeType(&font->library)) {
    free(font);
    return NULL;
  }
  if (FT_New_Face(font->library, path, 0, &font->face) || !FT_IS_SCALABLE(font->face)) {
    aviary_font_close(font);
    return NULL;
  }
  return font;
}

void aviary_font_close(aviary_font *font) {
  // The faces of a library go with it.
  FT_Done_FreeType(font->library);
  free(font);
}

bool aviary_font_size(aviary_font *font, uint32_t pixels, double *ascent, double *descent) {
  if (FT_Set_Pixel_Sizes(font->face, 0, pixels)) return false;
  *ascent = (double)font->face->size->metrics.ascender / 64;
  *descent = -(double)font->face->size->metrics.descender / 64;
  return true;
}

bool aviary_font_has(const aviary_font *font, uint32_t scalar) { return FT_Get_Char_Index(font->face, scalar) != 0; }

double aviary_font_advance(aviary_font *font, uint32_t scalar, uint32_t next) {
  FT_UInt glyph = FT_Get_Char_Index(font->face, scalar);
  // Outlines as they were drawn: hinting would give each size other widths.
  if (FT_Load_Glyph(font->face, glyph, FT_LOAD_NO_HINTING | FT_LOAD_NO_BITMAP)) return -1;
  double advance = (double)font->face->glyph->linearHoriAdvance / 65536;
  FT_Vector kerning = {0, 0};
  if (next && !FT_Get_Kerning(font->face, glyph, FT_Get_Char_Index(font->face, next), FT_KERNING_UNFITTED, &kerning)) advance += (double)kerning.x / 64;
  return advance;
}

bool aviary_font_draw(aviary_font *font, uint32_t scalar, double x, double y, uint8_t *coverage, int32_t width, int32_t height) {
  FT_GlyphSlot slot = font->face->glyph;
  if (FT_Load_Glyph(font->face, FT_Get_Char_Index(font->face, scalar), FT_LOAD_NO_HINTING | FT_LOAD_NO_BITMAP) || slot->format != FT_GLYPH_FORMAT_OUTLINE) return false;
  double left = floor(x), top = floor(y);
  FT_Outline_Translate(&slot->outline, (FT_Pos)lround((x - left) * 64), -(FT_Pos)lround((y - top) * 64));
  if (FT_Render_Glyph(slot, FT_RENDER_MODE_NORMAL)) return false;
  const FT_Bitmap *bitmap = &slot->bitmap;
  if (bitmap->rows && bitmap->pixel_mode != FT_PIXEL_MODE_GRAY) return false;
  for (int32_t row = 0; row < (int32_t)bitmap->rows; row++) {
    int32_t to_y = (int32_t)top - slot->bitmap_top + row;
    if (to_y < 0 || to_y >= height) continue;
    for (int32_t column = 0; column < (int32_t)bitmap->width; column++) {
      int32_t to_x = (int32_t)left + slot->bitmap_left + column;
      if (to_x < 0 || to_x >= width) continue;
      uint8_t *to = coverage + (int64_t)to_y * width + to_x;
      int32_t sum = *to + bitmap->buffer[(int64_t)row * bitmap->pitch + column];
      *to = (uint8_t)(sum > 255 ? 255 : sum);
    }
  }
  return true;
}
