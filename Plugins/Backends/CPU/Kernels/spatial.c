// Convolution as a product over patches, pooling, and resizing.
#include "product.h"
#include <math.h>

typedef struct { const av_conv2d_args *args; av_pool *pool; int64_t jobs; } depthwise_context;

static float weight_at(const av_table *table, const av_conv2d_args *c, int64_t i) {
  float f;
  table->cast(c->weight_type, (const char *)c->weight + i * av_size(c->weight_type), AV_F32, &f, 1);
  return f;
}

/// One output plane of a convolution whose groups have one input and one output channel each.
static void depthwise_job(void *context, int64_t plane, int thread) {
  const depthwise_context *s = context;
  const av_conv2d_args *c = s->args;
  const av_table *table = av_kernels(s->pool);
  int64_t out = plane % c->out_channels, in = out / (c->out_channels / c->groups);
  const float *x = c->x + (plane / c->out_channels * c->channels + in) * c->h * c->w;
  float *y = c->y + plane * c->oh * c->ow;
  for (int64_t i = 0; i < c->oh * c->ow; i++) y[i] = 0;
  for (int64_t ky = 0; ky < c->kh; ky++)
    for (int64_t kx = 0; kx < c->kw; kx++) {
      float w = weight_at(table, c, (out * c->kh + ky) * c->kw + kx);
      int64_t shift = kx * c->dilation_x - c->pad_left;
      int64_t first = shift < 0 ? (-shift + c->stride_x - 1) / c->stride_x : 0;
      int64_t end = c->w - 1 - shift < 0 ? 0 : (c->w - 1 - shift) / c->stride_x + 1;
      if (end > c->ow) end = c->ow;
      for (int64_t oy = 0; oy < c->oh; oy++) {
        int64_t iy = oy * c->stride_y + ky * c->dilation_y - c->pad_top;
        if (iy < 0 || iy >= c->h) continue;
        const float *row = x + iy * c->w + shift;
        float *o = y + oy * c->ow;
        for (int64_t ox = first; ox < end; ox++) o[ox] += w * row[ox * c->stride_x];
      }
    }
}

void av_conv2d(av_pool *pool, const av_conv2d_args *c) {
  int64_t in = c->channels / c->groups, out = c->out_channels / c->groups, taps = in * c->kh * c->kw, pixels = c->oh * c->ow;
  if (c->n <= 0 || c->out_channels <= 0 || pixels <= 0) return;
  if (in == 1 && c->groups > 1) {
    depthwise_context s = {c, pool, 0};
    av_pool_run(pool, c->n * c->out_channels, depthwise_job, &s);
    return;
  }
  for (int64_t picture = 0; picture < c->n; picture++)
    for (int64_t group = 0; group < c->groups; group++) {
      const av_table *table = av_kernels(pool);
      av_product p = {
        .table = table, .gemm = &table->gemm,
        .a = {(const char *)c->weight + group * out * taps * av_size(c->weight_type), c->weight_type, taps, 1},
        .b = {c->x + (picture * c->channels + group * in) * c->h * c->w, AV_F32, 0, 0, c},
        .m = out, .n = pixels, .k = taps, .y = c->y + (picture * c->out_channels + group * out) * pixels, .ldy = pixels,
      };
      av_product_run(pool, &p);
    }
}

typedef struct { const av_pool2d_args *args; } pool_context;

static void pool_job(void *context, int64_t plane, int thread) {
  const av_pool2d_args *p = ((const pool_context *)context)->args;
  const float *x = p->x + plane * p->h * p->w;
  float *y = p->y + plane * p->oh * p->ow;
  for (int64_t oy = 0; oy < p->oh; oy++)
    for (int64_t ox = 0; ox < p->ow; ox++) {
      float most = -INFINITY, sum = 0;
      int64_t seen = 0;
      for (int64_t iy = oy * p->stride_y - p->pad_top, ky = 0; ky < p->kh; ky++, iy++)
        for (int64_t ix = ox * p->stride_x - p->pad_left, kx = 0; kx < p->kw; kx++, ix++) {
          if (iy < 0 || iy >= p->h || ix < 0 || ix >= p->w) continue;
          float v = x[iy * p->w + ix];
          most = v > most || v != v ? v : most;
          sum += v;
          seen++;
        }
      y[oy * p->ow + ox] = !p->average ? most : sum / (float)(p->count_include_pad ? p->kh * p->kw : seen);
    }
}

void av_pool2d(av_pool *pool, const av_pool2d_args *args) {
  pool_context s = {args};
  av_pool_run(pool, args->planes, pool_job, &s);
}

/// The source pixel of an output pixel, in input pixels.
static float source(const av_resize_args *p, int64_t at, int64_t in, int64_t out) {
  if (p->align_corners) return out > 1 ? (float)at * ((float)(in - 1) / (float)(out - 1)) : 0;
  float scale = (float)in / (float)out;
  if (p->kind == AV_NEAREST) return (float)at * scale;
  float centre = ((float)at + 0.5f) * scale - 0.5f;
  return centre < 0 && p->kind == AV_BILINEAR ? 0 : centre;
}

/// Up to four source pixels, clamped to the picture, and their weights; returns how many.
static int taps_of(const av_resize_args *p, int64_t at, int64_t in, int64_t out, int64_t pixels[4], float weights[4]) {
  float place = source(p, at, in, out);
  int64_t base = (int64_t)floorf(place);
  float t = place - (float)base;
  int count = p->kind == AV_NEAREST ? 1 : p->kind == AV_BILINEAR ? 2 : 4;
  if (count == 1) {
    weights[0] = 1;
  } else if (count == 2) {
    weights[0] = 1 - t;
    weights[1] = t;
  } else {
    const float a = p->cubic_a;
    for (int i = 0; i < 4; i++) {
      float d = fabsf(t - (float)(i - 1));
      weights[i] = d <= 1 ? ((a + 2) * d - (a + 3)) * d * d + 1 : ((a * d - 5 * a) * d + 8 * a) * d - 4 * a;
    }
    base -= 1;
  }
  for (int i = 0; i < count; i++) {
    int64_t pixel = base + i;
    pixels[i] = pixel < 0 ? 0 : pixel >= in ? in - 1 : pixel;
  }
  return count;
}

typedef struct { const av_resize_args *args; int64_t jobs; } resize_context;

static void resize_job(void *context, int64_t job, int thread) {
  const resize_context *s = context;
  const av_resize_args *p = s->args;
  int64_t first, end;
  av_split(p->oh, 1, job, s->jobs, &first, &end);
  for (int64_t oy = first; oy < end; oy++) {
    int64_t rows[4];
    float row_weights[4];
    int tall = taps_of(p, oy, p->h, p->oh, rows, row_weights);
    for (int64_t ox = 0; ox < p->ow; ox++) {
      int64_t cols[4];
      float col_weights[4];
      int wide = taps_of(p, ox, p->w, p->ow, cols, col_weights);
      for (int64_t plane = 0; plane < p->planes; plane++) {
        const float *x = p->x + plane * p->h * p->w;
        float sum = 0;
        for (int i = 0; i < tall; i++) {
          float line = 0;
          for (int j = 0; j < wide; j++) line += col_weights[j] * x[rows[i] * p->w + cols[j]];
          sum += row_weights[i] * line;
        }
        p->y[(plane * p->oh + oy) * p->ow + ox] = sum;
      }
    }
  }
}

void av_resize2d(av_pool *pool, const av_resize_args *args) {
  if (args->planes <= 0 || args->oh <= 0 || args->ow <= 0) return;
  resize_context s = {args, av_jobs(pool, args->planes * args->oh * args->ow * 8, args->oh)};
  av_pool_run(pool, s.jobs, resize_job, &s);
}
