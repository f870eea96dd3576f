// Which instruction sets this processor has, and which one to use.
#include "table.h"
#include <stdlib.h>
#include <string.h>

static const char *const names[] = {"scalar", "avx2", "avx512"};

av_isa av_isa_best(void) {
#if defined(__x86_64__)
  __builtin_cpu_init();
  bool avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("f16c");
  if (avx2 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl") &&
      __builtin_cpu_supports("avx512dq"))
    return AV_ISA_AVX512;
  if (avx2) return AV_ISA_AVX2;
#endif
  return AV_ISA_SCALAR;
}

bool av_has_bf16_dot(void) {
#if defined(__x86_64__)
  __builtin_cpu_init();
  return av_isa_best() == AV_ISA_AVX512 && __builtin_cpu_supports("avx512bf16");
#else
  return false;
#endif
}

const char *av_isa_name(av_isa isa) { return names[isa]; }

int av_isa_named(const char *name) {
  for (int i = 0; i < 3; i++)
    if (strcmp(names[i], name) == 0) return i;
  return -1;
}

av_isa av_isa_default(void) {
  av_isa best = av_isa_best();
  const char *wanted = getenv("AVIARY_ISA");
  int named = wanted ? av_isa_named(wanted) : -1;
  return named >= 0 && named < (int)best ? (av_isa)named : best;
}
