// Linear layers and batched products: which way a product goes.
#include "product.h"
#include "Quant/quant_table.h"

// From so many rows on, quantised weights are worth unpacking to bf16 for AMX.
enum { thin_most_bf16 = 16, tiles_least = 128 };

typedef struct { const av_linear_args *args; const av_table *table; av_share share; } thin_context;

static void thin_job(void *context, int64_t job, int thread) {
  const thin_context *s = context;
  int64_t first, end;
  av_share_part(&s->share, job, &first, &end);
  s->table->thin(s->args, first, end);
}

static const av_gemm_table *gemm_for(const av_pool *pool, bool bf16) {
#if defined(__x86_64__)
  if (bf16 && av_pool_isa(pool) >= AV_ISA_AVX512 && av_has_bf16_dot()) return av_pool_isa(pool) == AV_ISA_AMX ? &av_gemm_amx : &av_gemm_bf16;
#endif
  return &av_kernels(pool)->gemm;
}

/// The product of many rows, by panels.
static void blocked(av_pool *pool, const av_linear_args *args, const av_table *table, const av_gemm_table *gemm) {
  bool in_place = args->residual == args->y && args->activation == AV_ACT_NONE;
  av_linear_args rest = *args;
  if (in_place) rest.residual = NULL;
  bool plain = !rest.residual && !rest.bias.data && rest.activation == AV_ACT_NONE;
  av_product product = {
    .table = table, .gemm = gemm,
    .a = {args->x, AV_F32, args->ldx, 1},
    .b = {args->w, args->wtype, args->ldw, 1, NULL},
    .m = args->m, .n = args->n, .k = args->k, .y = args->y, .ldy = args->ldy, .accumulate = in_place, .linear = plain ? NULL : &rest,
  };
  av_product_run(pool, &product);
}

void av_linear(av_pool *pool, const av_linear_args *args) {
  if (args->m <= 0 || args->n <= 0) return;
  const av_table *table = av_kernels(pool);
  const av_gemm_table *gemm = gemm_for(pool, args->bf16);
  const bool quantised = av_is_quantised(args->wtype);
#if defined(__x86_64__)
  if (quantised && !args->exact && args->m >= tiles_least && av_pool_isa(pool) == AV_ISA_AMX) {
    blocked(pool, args, table, &av_gemm_amx);
    return;
  }
#endif
  if (quantised) { av_linear_quantised(pool, args); return; }
  if (args->m <= (gemm == &table->gemm ? table->thin_most : thin_most_bf16)) {
    // A nanosecond reads about 16 bytes.
    int64_t work = args->n * args->k * (av_size(args->wtype) + args->m) / 16;
    thin_context s = {args, table, av_share_reading(pool, args->n, 16, work)};
    av_pool_run(pool, s.share.jobs, thin_job, &s);
    return;
  }
  blocked(pool, args, table, gemm);
}

typedef struct { av_pool *pool; const av_matmul_args *args; av_product product; } batch_context;

static av_product of_batch(const batch_context *s, int64_t index) {
  const av_matmul_args *args = s->args;
  av_product p = s->product;
  int64_t a = 0, b = 0, y = 0;
  for (int axis = args->batch_rank - 1; axis >= 0; axis--) {
    int64_t at = index % args->batch[axis];
    index /= args->batch[axis];
    a += at * args->a_batch[axis];
    b += at * args->b_batch[axis];
    y += at * args->y_batch[axis];
  }
  p.a.data = args->a + a;
  p.b.data = (const char *)args->b + b * av_size(args->b_type);
  p.y = args->y + y;
  return p;
}

static void batch_job(void *context, int64_t job, int thread) {
  const batch_context *s = context;
  av_product p = of_batch(s, job);
  av_product_run_alone(s->pool, thread, &p);
}

void av_matmul(av_pool *pool, const av_matmul_args *args) {
  if (args->m <= 0 || args->n <= 0) return;
  const av_table *table = av_kernels(pool);
  // Batches that share b and follow each other are more rows of one product.
  av_matmul_args joined = *args;
  for (int last; (last = joined.batch_rank - 1) >= 0; joined.batch_rank--) {
    bool follows = joined.b_batch[last] == 0 && joined.a_batch[last] == joined.m * joined.a_row && joined.y_batch[last] == joined.m * joined.y_row;
    if (joined.batch[last] != 1 && !follows) break;
    joined.m *= joined.batch[last];
  }
  args = &joined;
  int64_t batches = 1;
  for (int axis = 0; axis < args->batch_rank; axis++) batches *= args->batch[axis];
  batch_context s = {pool, args, {
    .table = table, .gemm = gemm_for(pool, args->bf16 && args->m > thin_most_bf16),
    .a = {NULL, AV_F32, args->a_row, args->a_col},
    .b = {NULL, args->b_type, args->b_col, args->b_row, NULL},
    .m = args->m, .n = args->n, .k = args->k, .ldy = args->y_row,
  }};
  if (batches >= 4 * av_pool_threads(pool)) {
    av_pool_run(pool, batches, batch_job, &s);
    return;
  }
  for (int64_t i = 0; i < batches; i++) {
    av_product p = of_batch(&s, i);
    av_product_run(pool, &p);
  }
}
