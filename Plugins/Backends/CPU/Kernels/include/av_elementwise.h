// Elementwise maps over strided, broadcast operands.
#pragma once
#include "av_linear.h"

/// The values are the raw values of AviaryTensor's `UnaryKind`. ROUND goes to the nearest, halves to even.
typedef enum {
  AV_NEGATE, AV_ABS, AV_SQUARE, AV_SQRT, AV_RSQRT, AV_RECIPROCAL, AV_EXP, AV_LOG, AV_SIN, AV_COS, AV_TANH, AV_SIGMOID, AV_RELU, AV_SILU, AV_ERF,
  AV_GELU, AV_GELU_TANH, AV_QUICK_GELU, AV_FLOOR, AV_CEIL, AV_ROUND,
} av_unary_kind;

/// The values are the raw values of AviaryTensor's `BinaryKind`.
typedef enum { AV_ADD, AV_SUBTRACT, AV_MULTIPLY, AV_DIVIDE, AV_MAXIMUM, AV_MINIMUM, AV_POWER, AV_EQUAL, AV_LESS, AV_LESS_OR_EQUAL } av_binary_kind;

/// The shape of a map and the strides of up to three inputs; a stride of 0 broadcasts. The output is contiguous.
typedef struct {
  int32_t rank;  // 0...8
  int64_t shape[8], a[8], b[8], c[8];
} av_map;

/// y = kind(a).
void av_unary(av_pool *pool, av_unary_kind kind, const av_map *map, const float *a, float *y);
/// y = kind(a, b), `y` being f32, or bytes of 1 and 0 for comparisons. MAXIMUM and MINIMUM give NaN where either is NaN.
void av_binary(av_pool *pool, av_binary_kind kind, const av_map *map, const float *a, const float *b, void *y);
/// The same over i32: arithmetic wraps, division truncates (by 0 gives 0), POWER goes by way of double and saturates.
void av_binary_i32(av_pool *pool, av_binary_kind kind, const av_map *map, const int32_t *a, const int32_t *b, void *y);
/// y = min(max(a, low), high); NaN stays.
void av_clamp(av_pool *pool, const av_map *map, const float *a, float low, float high, float *y);
/// y = condition ? b : c; the condition (`a` strides) is bytes, anything but 0 is true. `b`, `c`, `y` have elements of `bytes`
/// (1, 2, 4, 8).
void av_select(av_pool *pool, const av_map *map, int64_t bytes, const uint8_t *condition, const void *b, const void *c, void *y);
