// Which instruction sets this processor has, and which one to use.
#include "table.h"
#include <stdlib.h>
#include <string.h>
#if defined(__x86_64__)
#include <cpuid.h>
#endif
#if defined(__x86_64__) && defined(__linux__)
#include <pthread.h>
#include <sys/syscall.h>
#include <unistd.h>
#endif

static const char *const names[] = {"scalar", "avx2", "avx512", "amx"};

#if defined(__x86_64__) && defined(__linux__)
static bool has_tiles;

/// Tiles are 8 KiB of a thread's state: a process asks the kernel for them (since Linux 5.16), and its threads then have them, too.
static void ask_for_tiles(void) {
  enum { bf16 = 1u << 22, tile = 1u << 24, request = 0x1023, tile_data = 18 };
  unsigned a, b, c, d;
  if (!__get_cpuid_count(7, 0, &a, &b, &c, &d) || (d & (bf16 | tile)) != (bf16 | tile)) return;
  has_tiles = syscall(SYS_arch_prctl, request, tile_data) == 0;
}
#endif

/// Whether this processor has AMX for bf16 and the system lets it be used.
static bool has_amx(void) {
#if defined(__x86_64__) && defined(__linux__)
  static pthread_once_t once = PTHREAD_ONCE_INIT;
  pthread_once(&once, ask_for_tiles);
  return has_tiles && __builtin_cpu_supports("avx512bf16");
#else
  return false;
#endif
}

av_isa av_isa_best(void) {
#if defined(__x86_64__)
  __builtin_cpu_init();
  bool avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("f16c");
  if (avx2 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl") &&
      __builtin_cpu_supports("avx512dq"))
    return has_amx() ? AV_ISA_AMX : AV_ISA_AVX512;
  if (avx2) return AV_ISA_AVX2;
#endif
  return AV_ISA_SCALAR;
}

bool av_has_bf16_dot(void) {
#if defined(__x86_64__)
  __builtin_cpu_init();
  return av_isa_best() >= AV_ISA_AVX512 && __builtin_cpu_supports("avx512bf16");
#else
  return false;
#endif
}

const char *av_isa_name(av_isa isa) { return names[isa]; }

int av_isa_named(const char *name) {
  for (int i = 0; i < 4; i++)
    if (strcmp(names[i], name) == 0) return i;
  return -1;
}

av_isa av_isa_default(void) {
  av_isa best = av_isa_best();
  const char *wanted = getenv("AVIARY_ISA");
  int named = wanted ? av_isa_named(wanted) : -1;
  return named >= 0 && named < (int)best ? (av_isa)named : best;
}
