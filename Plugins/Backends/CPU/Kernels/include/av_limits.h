// What the processor can do at most, measured.
#pragma once
#include "av_pool.h"

/// Per second, with all threads of a pool and its instruction set: f32 operations (a multiply-add is two), operations on pairs of bytes whose
/// products are summed in 16 bits or more, and bytes read from memory once.
typedef struct { double f32, int8, read; } av_limits;
/// Takes about two seconds and a gibibyte. A figure that could not be had is 0.
av_limits av_measure_limits(av_pool *pool);
