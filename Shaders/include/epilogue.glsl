// What a fused linear step does with a sum, in this order: bias, activation, residual. ACTIVATION is 99 where there is none.
BUFFER(2, BiasBlock, float, bias);
BUFFER(3, ResidualBlock, float, residual);

float finished(float sum, uint biasAt, uint residualAt) {
  if (HAS_BIAS != 0u) sum += bias[biasAt];
  if (ACTIVATION < 99u) sum = unary(ACTIVATION, sum);
  if (HAS_RESIDUAL != 0u) sum += residual[residualAt];
  return sum;
}
