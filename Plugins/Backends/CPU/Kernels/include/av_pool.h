// Element types, instruction sets and the thread pool.
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/// How elements are stored; the values are the raw values of AviaryTensor's `DType`.
typedef enum {
  AV_F32, AV_F16, AV_BF16, AV_I32, AV_I64, AV_U8, AV_BOOL, AV_F64, AV_I16, AV_I8,
  // ggml's blocks of whole numbers with scales (av_quant.h)
  AV_Q8_0, AV_Q4_0, AV_Q4_1, AV_Q5_0, AV_Q5_1, AV_Q2_K, AV_Q3_K, AV_Q4_K, AV_Q5_K, AV_Q6_K,
} av_dtype;

/// Bytes of one element of a plain type.
static inline int64_t av_size(av_dtype type) {
  switch (type) {
  case AV_F32: case AV_I32: return 4;
  case AV_F16: case AV_BF16: case AV_I16: return 2;
  case AV_I64: case AV_F64: return 8;
  default: return 1;
  }
}

/// Instruction sets, in ascending order. Scalar is portable C; AVX2 includes FMA and F16C; AVX-512 is F, BW, VL and DQ; AMX has
/// tiles of bf16 besides, for products alone.
typedef enum { AV_ISA_SCALAR, AV_ISA_AVX2, AV_ISA_AVX512, AV_ISA_AMX } av_isa;

/// The best instruction set that this processor and its operating system support.
av_isa av_isa_best(void);
/// The one to use by default: the best, or what the environment's AVIARY_ISA (scalar, avx2, avx512, amx) asks for, at most the best.
av_isa av_isa_default(void);
/// "scalar", "avx2", "avx512" or "amx".
const char *av_isa_name(av_isa isa);
/// The instruction set of that name, or -1.
int av_isa_named(const char *name);
/// Whether the processor multiplies bf16 pairs (AVX512_BF16), which `compute bf16` needs.
bool av_has_bf16_dot(void);

/// Threads, instruction set and scratch memory. One caller at a time; the caller is one of the threads.
typedef struct av_pool av_pool;
/// One piece of a job list; `thread` is in `0..<threads` and names the scratch memory that may be used.
typedef void (*av_job)(void *context, int64_t job, int thread);

/// A pool of `threads` threads (at least 1), the caller's among them. `isa` above the best falls back to the best. NULL where memory or
/// a thread cannot be had.
av_pool *av_pool_create(int threads, av_isa isa);
/// Ends the threads and frees everything. NULL is allowed.
void av_pool_destroy(av_pool *pool);
/// The instruction set really chosen.
av_isa av_pool_isa(const av_pool *pool);
int av_pool_threads(const av_pool *pool);

/// Calls `job(context, i, thread)` for all i in `0..<jobs`, each once, on all threads; returns when all are done. Threads take the next
/// job as they become free, so a thread that the system takes away delays only its own job. One job runs on the caller alone.
void av_pool_run(av_pool *pool, int64_t jobs, av_job job, void *context);

/// Brackets a step of many runs: between the two the threads wait for the next run by spinning (yielding the processor where the wait is
/// long), so that a run starts within a microsecond; outside they sleep.
void av_pool_wake(av_pool *pool);
void av_pool_rest(av_pool *pool);

/// `check` is asked between jobs on the calling thread; once it returns true the rest of the run is skipped, and so is every later run, until
/// this function is called again. NULL removes it. What a cancelled kernel has written is undefined.
void av_pool_set_cancel(av_pool *pool, bool (*check)(void *context), void *context);
/// Whether a run was cancelled since the last `av_pool_set_cancel`.
bool av_pool_cancelled(const av_pool *pool);
