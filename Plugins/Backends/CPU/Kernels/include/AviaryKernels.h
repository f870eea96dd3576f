// The CPU kernels of Aviary. Activations are f32; weights are read as they are stored (f32, f16 or bf16) and sums are kept in f32.
// Every kernel takes a pool, which holds the threads, the instruction set and the scratch memory; no kernel allocates.
// All pointers may be unaligned. Sizes and strides count elements unless a name says bytes. Kernels check nothing: the caller
// validates shapes, types and indices first.
#pragma once
#include "av_attention.h"
#include "av_elementwise.h"
#include "av_limits.h"
#include "av_linear.h"
#include "av_move.h"
#include "av_pool.h"
#include "av_quant.h"
#include "av_rows.h"
#include "av_spatial.h"
