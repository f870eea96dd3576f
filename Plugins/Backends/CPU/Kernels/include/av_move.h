// Moving data: casts, strided copies, gathers and scatters of rows.
#pragma once
#include "av_elementwise.h"

/// Converts `n` contiguous elements. Floats round to nearest even, NaN stays NaN; float to integer truncates and saturates, NaN gives 0;
/// to bool: anything but 0 is 1. f64 and i64 keep their precision between each other only by way of f64.
void av_cast(av_pool *pool, av_dtype from, const void *x, av_dtype to, void *y, int64_t n);
/// Copies elements of `bytes` (1, 2, 4, 8) from strides `map.a` to strides `map.b`; the two must not overlap.
void av_copy(av_pool *pool, const av_map *map, int64_t bytes, const void *x, void *y);
/// Fills `n` contiguous elements of `bytes` (1, 2, 4, 8) with the element at `value`.
void av_fill(av_pool *pool, int64_t bytes, const void *value, void *y, int64_t n);
/// y[i, :] = table[ids[i], :] ; table [table_rows, cols], rows `table_row` elements apart. f16, bf16 and quantised tables give f32, other types are copied. An id outside
/// the table writes zeros and gives false.
bool av_gather_rows(av_pool *pool, av_dtype type, const void *table, int64_t table_rows, int64_t table_row, const int32_t *ids, int64_t count, int64_t cols,
                    void *y, int64_t y_row);
/// table[ids[i], :] = x[i, :] for i in order (the last of equal ids wins), converted to the table's type as `av_cast` does. An id outside
/// the table is skipped and gives false.
bool av_scatter_rows(av_pool *pool, av_dtype x_type, const void *x, int64_t x_row, const int32_t *ids, int64_t count, int64_t cols,
                     av_dtype type, void *table, int64_t table_rows, int64_t table_row);
/// table[ids[i], :] += x[i, :] for i in order. An id outside the table is skipped and gives false.
bool av_scatter_add_rows(av_pool *pool, const float *x, int64_t x_row, const int32_t *ids, int64_t count, int64_t cols, float *table,
                         int64_t table_rows, int64_t table_row);
