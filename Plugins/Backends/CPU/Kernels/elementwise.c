// Elementwise maps: flat pieces of the output, whose inputs are used in place where contiguous and gathered into a piece of scratch where not.
#include "odometer.h"

enum { piece = 2048 };

typedef struct map_context map_context;
struct map_context {
  const av_table *table;
  av_pool *pool;
  const av_map *map;
  int64_t total, jobs;
  const void *in[3];
  const int64_t *strides[3];
  int64_t bytes[3];
  bool contiguous[3];
  void *y;
  int64_t y_bytes;
  int kind;
  float low, high;
  void (*apply)(const map_context *s, const void *const in[3], void *y, int64_t n);
};

static void map_job(void *context, int64_t job, int thread) {
  const map_context *s = context;
  int64_t first, end;
  av_split(s->total, 64, job, s->jobs, &first, &end);
  char *scratch = av_scratch(s->pool, thread);
  for (int64_t at = first; at < end; at += piece) {
    int64_t n = end - at < piece ? end - at : piece;
    const void *in[3] = {NULL, NULL, NULL};
    for (int i = 0; i < 3 && s->in[i]; i++) {
      if (s->contiguous[i]) {
        in[i] = (const char *)s->in[i] + at * s->bytes[i];
      } else {
        in[i] = scratch + i * piece * 8;
        av_gather_strided(s->map->rank, s->map->shape, s->strides[i], s->bytes[i], s->in[i], at, n, scratch + i * piece * 8);
      }
    }
    s->apply(s, in, (char *)s->y + at * s->y_bytes, n);
  }
}

static void run_map(av_pool *pool, const av_map *map, map_context *s, int64_t cost) {
  s->table = av_kernels(pool);
  s->pool = pool;
  s->map = map;
  s->total = 1;
  for (int i = 0; i < map->rank; i++) s->total *= map->shape[i];
  if (s->total <= 0) return;
  s->strides[0] = map->a;
  s->strides[1] = map->b;
  s->strides[2] = map->c;
  for (int i = 0; i < 3 && s->in[i]; i++) s->contiguous[i] = av_is_contiguous(map->rank, map->shape, s->strides[i]);
  s->jobs = av_jobs(pool, s->total * cost / 8, (s->total + piece - 1) / piece);
  av_pool_run(pool, s->jobs, map_job, s);
}

static void apply_unary(const map_context *s, const void *const in[3], void *y, int64_t n) { s->table->unary(s->kind, in[0], y, n); }
static void apply_binary(const map_context *s, const void *const in[3], void *y, int64_t n) { s->table->binary(s->kind, in[0], in[1], y, n); }
static void apply_clamp(const map_context *s, const void *const in[3], void *y, int64_t n) { s->table->clamp(in[0], s->low, s->high, y, n); }

void av_unary(av_pool *pool, av_unary_kind kind, const av_map *map, const float *a, float *y) {
  map_context s = {.in = {a}, .bytes = {4}, .y = y, .y_bytes = 4, .kind = kind, .apply = apply_unary};
  run_map(pool, map, &s, kind <= AV_RECIPROCAL || kind >= AV_FLOOR ? 1 : 8);
}

void av_clamp(av_pool *pool, const av_map *map, const float *a, float low, float high, float *y) {
  map_context s = {.in = {a}, .bytes = {4}, .y = y, .y_bytes = 4, .low = low, .high = high, .apply = apply_clamp};
  run_map(pool, map, &s, 1);
}

void av_binary(av_pool *pool, av_binary_kind kind, const av_map *map, const float *a, const float *b, void *y) {
  map_context s = {.in = {a, b}, .bytes = {4, 4}, .y = y, .y_bytes = kind >= AV_EQUAL ? 1 : 4, .kind = kind, .apply = apply_binary};
  run_map(pool, map, &s, kind == AV_POWER ? 200 : 1);
}

static int32_t whole_power(int32_t a, int32_t b) {
  double v = __builtin_pow(a, b);
  return v != v ? 0 : v >= INT32_MAX ? INT32_MAX : v <= INT32_MIN ? INT32_MIN : (int32_t)v;
}

static void apply_binary_i32(const map_context *s, const void *const in[3], void *out, int64_t n) {
  const int32_t *a = in[0], *b = in[1];
  int32_t *y = out;
  uint8_t *truth = out;
#define EACH(k, target, expression) case k: for (int64_t i = 0; i < n; i++) target[i] = expression; break;
  switch (s->kind) {
    EACH(AV_ADD, y, (int32_t)((uint32_t)a[i] + (uint32_t)b[i]))
    EACH(AV_SUBTRACT, y, (int32_t)((uint32_t)a[i] - (uint32_t)b[i]))
    EACH(AV_MULTIPLY, y, (int32_t)((uint32_t)a[i] * (uint32_t)b[i]))
    EACH(AV_DIVIDE, y, b[i] == 0 ? 0 : (int32_t)((int64_t)a[i] / b[i]))
    EACH(AV_MAXIMUM, y, a[i] > b[i] ? a[i] : b[i])
    EACH(AV_MINIMUM, y, a[i] < b[i] ? a[i] : b[i])
    EACH(AV_POWER, y, whole_power(a[i], b[i]))
    EACH(AV_EQUAL, truth, a[i] == b[i])
    EACH(AV_LESS, truth, a[i] < b[i])
    EACH(AV_LESS_OR_EQUAL, truth, a[i] <= b[i])
  }
#undef EACH
}

void av_binary_i32(av_pool *pool, av_binary_kind kind, const av_map *map, const int32_t *a, const int32_t *b, void *y) {
  map_context s = {.in = {a, b}, .bytes = {4, 4}, .y = y, .y_bytes = kind >= AV_EQUAL ? 1 : 4, .kind = kind, .apply = apply_binary_i32};
  run_map(pool, map, &s, 2);
}

static void apply_select(const map_context *s, const void *const in[3], void *out, int64_t n) {
  const uint8_t *condition = in[0];
#define EACH(size, type) \
  case size: { const type *b = in[1], *c = in[2]; type *y = out; for (int64_t i = 0; i < n; i++) y[i] = condition[i] ? b[i] : c[i]; break; }
  switch (s->y_bytes) { EACH(1, uint8_t) EACH(2, uint16_t) EACH(4, uint32_t) EACH(8, uint64_t) }
#undef EACH
}

void av_select(av_pool *pool, const av_map *map, int64_t bytes, const uint8_t *condition, const void *b, const void *c, void *y) {
  map_context s = {.in = {condition, b, c}, .bytes = {1, bytes, bytes}, .y = y, .y_bytes = bytes, .apply = apply_select};
  run_map(pool, map, &s, 2);
}
