// Timing and reporting for the kernel benchmark.
#pragma once
#include "AviaryKernels.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/// Wall time, or with one thread that thread's processor time, which other work on the machine hardly disturbs.
extern clockid_t bench_clock;
static inline double now(void) {
  struct timespec t;
  clock_gettime(bench_clock, &t);
  return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

/// The best time of repeated runs, for about `seconds`: other work on the machine only ever adds.
#define BEST(seconds, body) ({ \
  double best = 1e30, begin = now(); \
  for (int round = 0; round < 3 || now() - begin < (seconds); round++) { double t = now(); body; t = now() - t; if (t < best) best = t; } \
  best; })

/// Memory filled with small numbers of both signs; stored as `type`.
void *filled(av_dtype type, int64_t n);

typedef struct { double flops, bytes, int8; } machine_limit;
/// The processor's limits with the pool's threads and instruction set: f32 operations, byte operations and bytes read per second.
machine_limit measure_limits(av_pool *pool);
double measure_bf16_limit(av_pool *pool);

void bench_gradients(av_pool *pool, machine_limit limit);
void bench_products(av_pool *pool, machine_limit limit, double bf16_limit);
/// All types, or one by its name.
void bench_quantised(av_pool *pool, machine_limit limit, const char *only);
void bench_attention(av_pool *pool, machine_limit limit);
void bench_rows(av_pool *pool, machine_limit limit);
