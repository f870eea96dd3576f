// All quantised kernels of one instruction set, and the table that exports them.
#pragma once
#include "dot_level.h"
#include "panel_level.h"

#define AV_QUANT_TABLE(title) { \
  .name = title, .rows = panel_rows, .cols = panel_cols, .wide = is_wide, .quantize = quantize, .arrange = arrange, .pack = pack_panel, .multiply = multiply_panel, .dots = dots_quantised, \
  .exact_dots = exact_dots, .dequantize = dequantize, \
}
