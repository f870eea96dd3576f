// A thin C face over FreeType: lines of text as coverage, for pictures to train on. No call returns a library's text.
#pragma once
#include <stdbool.h>
#include <stdint.h>

typedef struct aviary_font aviary_font;

// NULL where the file is no font that can be scaled.
aviary_font *aviary_font_open(const char *path);
void aviary_font_close(aviary_font *font);

// Letters of this many pixels to the em from now on. `ascent` and `descent` are pixels above and below the baseline. False where the font cannot.
bool aviary_font_size(aviary_font *font, uint32_t pixels, double *ascent, double *descent);
bool aviary_font_has(const aviary_font *font, uint32_t scalar);

// Pixels from this character's origin to that of `next` (0 for none), kerned. Negative where there is no such glyph.
double aviary_font_advance(aviary_font *font, uint32_t scalar, uint32_t next);

// Adds a character's coverage (0 to 255) with its origin at (x, y), y downwards, to a picture of width x height; what lies outside is cut off.
bool aviary_font_draw(aviary_font *font, uint32_t scalar, double x, double y, uint8_t *coverage, int32_t width, int32_t height);
