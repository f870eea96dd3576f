// Attention: encoders and prefill against the multiply-add limit, decode against the read bandwidth.
#include "bench.h"

static void one(av_pool *pool, const char *name, av_dtype type, int64_t tq, int64_t tk, int64_t heads, int64_t kv_heads, int64_t head, bool causal,
                machine_limit limit) {
  float *q = filled(AV_F32, tq * heads * head), *out = filled(AV_F32, tq * heads * head);
  int64_t copies = tq > 8 ? 1 : 1 + (256 << 20) / (tk * kv_heads * head * av_size(type) * 2), span = tk * kv_heads * head;
  char *k = filled(type, span * copies), *v = filled(type, span * copies);
  int32_t *positions = malloc((size_t)tq * 4);
  for (int64_t i = 0; i < tq; i++) positions[i] = (int32_t)(tk - tq + i);
  av_attention_args args = {
    .batch = 1, .heads = heads, .kv_heads = kv_heads, .tq = tq, .tk = tk, .head = head, .v_head = head, .q = q, .q_token = heads * head, .q_head = head,
    .kv_type = type, .k_token = kv_heads * head, .k_head = head, .v_token = kv_heads * head, .v_head_stride = head, .out = out,
    .out_token = heads * head, .out_head = head, .scale = 0.125f, .positions = causal ? positions : NULL,
  };
  av_pool_wake(pool);
  double t = BEST(0.6, for (int64_t i = 0; i < copies; i++) {
    args.k = k + i * span * av_size(type);
    args.v = v + i * span * av_size(type);
    av_attention(pool, &args);
  }) / copies;
  av_pool_rest(pool);
  double pairs = causal ? (double)tq * (tk - tq) + tq * (tq + 1) / 2.0 : (double)tq * tk;
  double flops = 4.0 * pairs * heads * head / t, bytes = 2.0 * span * av_size(type) / t;
  printf("| %s | tq %lld tk %lld heads %lld/%lld size %lld | %.3f | %.1f | %.0f %% | %.1f | %.0f %% |\n", name, (long long)tq, (long long)tk,
         (long long)heads, (long long)kv_heads, (long long)head, t * 1e3, flops / 1e9, 100 * flops / limit.flops, bytes / 1e9,
         100 * bytes / limit.bytes);
  free(q); free(out); free(k); free(v); free(positions);
}

void bench_attention(av_pool *pool, machine_limit limit) {
  printf("\n| attention | shape | ms | GFLOPS | of the limit | GB/s of keys and values | of the limit |\n|---|---|---|---|---|---|---|\n");
  one(pool, "CLIP-L/336", AV_F32, 577, 577, 16, 16, 64, false, limit);
  one(pool, "SigLIP", AV_F32, 729, 729, 16, 16, 72, false, limit);
  one(pool, "SAM-B global", AV_F32, 4096, 4096, 12, 12, 64, false, limit);
  one(pool, "prefill f16", AV_F16, 512, 512, 32, 4, 64, true, limit);
  one(pool, "prefill f16", AV_F16, 512, 512, 32, 32, 128, true, limit);
  one(pool, "decode f16", AV_F16, 1, 2048, 32, 4, 64, true, limit);
  one(pool, "decode f16", AV_F16, 1, 2048, 32, 32, 128, true, limit);
  one(pool, "decode f32", AV_F32, 1, 2048, 32, 32, 128, true, limit);
}
