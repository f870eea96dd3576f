#version 460
#extension GL_KHR_shader_subgroup_shuffle : require
#include "common.glsl"
#include "types.glsl"
#include "math.glsl"
#include "unary.glsl"
// Products for a processor's driver whose subgroups are eight items that read each other's numbers: see fetched.glsl.
#define SHUFFLED
#include "fetched.glsl"
