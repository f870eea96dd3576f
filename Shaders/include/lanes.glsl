// LANES work items share a row: one on a processor's driver, a workgroup on a GPU.
shared float lanes_[LANES];

float sumOverLanes(float x) {
  if (LANES == 1u) return x;
  uint me = gl_LocalInvocationID.x;
  barrier();
  lanes_[me] = x;
  for (uint half_ = LANES / 2u; half_ > 0u; half_ /= 2u) {
    barrier();
    if (me < half_) lanes_[me] += lanes_[me + half_];
  }
  barrier();
  return lanes_[0];
}

float maxOverLanes(float x) {
  if (LANES == 1u) return x;
  uint me = gl_LocalInvocationID.x;
  barrier();
  lanes_[me] = x;
  for (uint half_ = LANES / 2u; half_ > 0u; half_ /= 2u) {
    barrier();
    if (me < half_ && isGreater(lanes_[me + half_], lanes_[me])) lanes_[me] = lanes_[me + half_];
  }
  barrier();
  return lanes_[0];
}

uint myRow() { return LANES == 1u ? item() : group(); }
uint myLane() { return LANES == 1u ? 0u : gl_LocalInvocationID.x; }
