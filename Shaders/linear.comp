#version 460
#include "common.glsl"
#include "types.glsl"
#include "math.glsl"
#include "unary.glsl"
// Products for a processor's driver with no help of subgroups: see fetched.glsl.
#include "fetched.glsl"
