// Functions of one number, by AviaryTensor.UnaryKind.
const uint SILU = 13u;

float unary(uint kind, float x) {
  switch (kind) {
    case 0u: return -x;
    case 1u: return uintBitsToFloat(floatBitsToUint(x) & 0x7fffffffu);
    case 2u: return x * x;
    case 3u: return sqrt(x);
    case 4u: return 1.0 / sqrt(x);
    case 5u: return 1.0 / x;
    case 6u: return expOf(x);
    case 7u: return logOf(x);
    case 8u: return sinCosOf(x).x;
    case 9u: return sinCosOf(x).y;
    case 10u: return tanhOf(x);
    case 11u: return sigmoidOf(x);
    case 12u: return x > 0.0 || isNan(x) ? x : 0.0;
    case 13u: return x * sigmoidOf(x);
    case 14u: return erfOf(x);
    case 15u: return 0.5 * x * (1.0 + erfOf(x * 0.707106781186547524));
    case 16u: return 0.5 * x * (1.0 + tanhOf(0.797884560802865356 * (x + 0.044715 * x * x * x)));
    case 17u: return x * sigmoidOf(1.702 * x);
    case 18u: return floor(x);
    case 19u: return ceil(x);
    case 20u: return roundEven(x);
    default: return x;
  }
}
