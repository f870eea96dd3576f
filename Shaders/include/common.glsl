// What every kernel shares: its work items, its parameters, and where it reports a bad id.
#extension GL_EXT_control_flow_attributes : require
layout(local_size_x_id = 0) in;

// Specialisation: 0 is the workgroup's size, 1 and up are each kernel's own.
layout(push_constant) uniform Push {
  uint base;    // the first workgroup of this piece of the dispatch
  uint params;  // where this dispatch's parameters start
} push;

layout(std430, binding = 6) buffer Flags { uint flags[]; };
layout(std430, binding = 7) readonly buffer Params { uint parameters[]; };

uint P(uint i) { return parameters[push.params + i]; }
float PF(uint i) { return uintBitsToFloat(parameters[push.params + i]); }

// The workgroup and the work item in the whole dispatch, which may be recorded in several pieces.
uint group() { return gl_WorkGroupID.x + push.base; }
uint item() { return group() * gl_WorkGroupSize.x + gl_LocalInvocationID.x; }

#define BUFFER(number, block, type, name) layout(std430, binding = number) readonly buffer block { type name[]; }
#define OUTPUT(block, type, name) layout(std430, binding = 5) buffer block { type name[]; }
