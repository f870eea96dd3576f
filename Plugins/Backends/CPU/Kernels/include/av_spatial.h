// Convolution, pooling and resizing of contiguous f32 pictures [n, channels, height, width].
#pragma once
#include "av_linear.h"

/// y [n, out_channels, oh, ow] = x [n, channels, h, w] convolved with w [out_channels, channels / groups, kh, kw]; zeros outside.
typedef struct {
  int64_t n, channels, h, w, out_channels, kh, kw, groups;
  int64_t stride_y, stride_x, dilation_y, dilation_x, pad_top, pad_left;
  int64_t oh, ow;
  const float *x;
  const void *weight;
  av_dtype weight_type;  // f32, f16 or bf16
  float *y;
} av_conv2d_args;
void av_conv2d(av_pool *pool, const av_conv2d_args *args);

typedef struct {
  int64_t planes, h, w, oh, ow, kh, kw, stride_y, stride_x, pad_top, pad_left;
  bool average;            // else the maximum
  bool count_include_pad;  // an average divides by kh * kw even at the border
  const float *x;          // [planes, h, w]
  float *y;                // [planes, oh, ow]
} av_pool2d_args;
void av_pool2d(av_pool *pool, const av_pool2d_args *args);

typedef enum { AV_NEAREST, AV_BILINEAR, AV_BICUBIC } av_resize_kind;
/// x [planes, h, w] to y [planes, oh, ow] as PyTorch's `interpolate` (no antialias): half-pixel centres, or corners aligned.
typedef struct {
  int64_t planes, h, w, oh, ow;
  av_resize_kind kind;
  bool align_corners;
  float cubic_a;           // the cubic kernel's parameter; PyTorch uses -0.75
  const float *x;
  float *y;
} av_resize_args;
void av_resize2d(av_pool *pool, const av_resize_args *args);
