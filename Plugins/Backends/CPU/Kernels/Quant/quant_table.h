// What a file of quantised kernels for one instruction set exports.
#pragma once
#include "../table.h"

/// Elements of a quantised row that share a scale and a shift.
static inline int64_t av_quant_sub(av_dtype type) { return type == AV_Q2_K || type == AV_Q3_K || type == AV_Q6_K ? 16 : 32; }

/// Rows of activations in 8 bits, a scale for each 32: x = scale * q.
typedef struct {
  const int8_t *q;     // [rows][k]
  const float *scale;  // [rows][k / 32]
  const float *sum;    // [rows][k / sub]: scale times the sum of q, sub being what shares a scale in the weights
  const int16_t *whole;  // [rows][k / 16]: sums of q itself, where `arrange` makes them
  int64_t q_row, scale_row, sum_row, whole_row;  // from row to row, in elements
} av_activations;

/// A tile's rows of activations over a part of k, interleaved so that they are read in the order in which they lie: words of four numbers (two,
/// where they are 16 bits wide) [words][rows], scales [k / 32][rows], shifts [subs][rows]: what multiplies minima (f32, scale times the sum of q) or,
/// for types with an offset, what that adds to the sums of products, negated (whole numbers of 32 bits).
typedef struct {
  const int32_t *words;
  const float *scale;
  const void *shift;
} av_quant_rows;

/// A panel of columns (weight rows) over the same part, unpacked: words [words][cols], d and m [subs][cols].
typedef struct {
  int32_t *words;
  float *d, *m;
} av_quant_panel;

typedef struct {
  const char *name;
  int64_t rows, cols;  // of the tile
  /// Whether the tile of this type multiplies pairs of 16 bits instead of quads of 8.
  bool (*wide)(av_dtype type);
  /// Rounds one row of k elements (whole blocks of 32). A block with a NaN or an infinity has NaN for its scale. For panels of this type, `q` is 16 bits
  /// wide where `wide`, and `shift` what `av_quant_rows` says; for few rows q has 8 bits, and `shift` scale times the sum of q.
  void (*quantize)(av_dtype type, bool for_panels, const float *x, int64_t k, void *q, float *scale, void *shift);
  /// Puts the k numbers of a row in the order in which `dots` reads them for this type, and fills `sums` [k / 16] where it reads those.
  void (*arrange)(av_dtype type, int64_t k, int8_t *q, int16_t *sums);
  /// Unpacks elements k0..<k0 + k of `count` weight rows, `row` bytes apart. The scratch holds cols * k * 2 bytes.
  void (*pack)(av_dtype type, const void *w, int64_t row, int64_t count, int64_t k0, int64_t k, av_quant_panel panel, void *scratch);
  /// y[m, n] = or += rows x panel; m <= rows, n <= cols.
  void (*multiply)(av_dtype type, av_quant_rows x, av_quant_panel panel, int64_t k, int64_t m, int64_t n, float *y, int64_t ldy, bool accumulate);
  /// out[i * out_row + c] = activation row i . weight row c, for few rows: the blocks are read once, as they lie.
  void (*dots)(av_dtype type, const av_activations *x, int64_t m, int64_t k, const void *w, int64_t row, int64_t count, float *out, int64_t out_row);
  /// The same with activations in f32 and weights dequantised block by block.
  void (*exact_dots)(av_dtype type, const float *x, int64_t ldx, int64_t m, int64_t k, const void *w, int64_t row, int64_t count, float *out, int64_t out_row);
  void (*dequantize)(av_dtype type, const uint8_t *w, int64_t n, float *y);
} av_quant_table;

/// A linear layer whose weights are quantised.
void av_linear_quantised(av_pool *pool, const av_linear_args *args);
/// The kernels that a pool uses: those of its instruction set unless `av_pool_use_quant` chose others.
const av_quant_table *av_quant(const av_pool *pool);
const av_quant_table *av_quant_for(av_isa isa);
/// The kernels of that name, or NULL where this processor cannot run them.
const av_quant_table *av_quant_named(const char *name);
extern const av_quant_table av_quant_scalar, av_quant_avx2, av_quant_avxvnni, av_quant_avx512vnni;
