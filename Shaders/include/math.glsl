// Elementary functions to about an ulp or two: drivers' own may be off by far more. Polynomials of Cephes (Moshier).
float expOf(float x) {
  float y = clamp(x, -104.0, 89.0);
  float n = roundEven(y * 1.44269504088896341);
  precise float r = y - n * 0.693359375;
  r = r + n * 2.12194440e-4;
  float p = 1.9875691500e-4;
  p = p * r + 1.3981999507e-3;
  p = p * r + 8.3334519073e-3;
  p = p * r + 4.1665795894e-2;
  p = p * r + 1.6666665459e-1;
  p = p * r + 5.0000001201e-1;
  float e = p * r * r + r + 1.0;
  // In two steps, since 2^n alone may not be a number.
  int a = int(n) >> 1;
  int b = int(n) - a;
  float result = e * uintBitsToFloat(uint(a + 127) << 23u) * uintBitsToFloat(uint(b + 127) << 23u);
  return isNan(x) ? x : result;
}

float logOf(float x) {
  uint u = floatBitsToUint(x);
  float e = float(int(u >> 23u) - 126);
  float m = uintBitsToFloat((u & 0x007fffffu) | 0x3f000000u);
  bool isSmall = m < 0.707106781186547524;
  e = isSmall ? e - 1.0 : e;
  m = isSmall ? m + m - 1.0 : m - 1.0;
  float z = m * m;
  float p = 7.0376836292e-2;
  p = p * m - 1.1514610310e-1;
  p = p * m + 1.1676998740e-1;
  p = p * m - 1.2420140846e-1;
  p = p * m + 1.4249322787e-1;
  p = p * m - 1.6668057665e-1;
  p = p * m + 2.0000714765e-1;
  p = p * m - 2.4999993993e-1;
  p = p * m + 3.3333331174e-1;
  p = p * m * z;
  p += -2.12194440e-4 * e;
  p += -0.5 * z;
  float result = m + p + 0.693359375 * e;
  if (isNan(x) || x == uintBitsToFloat(0x7f800000u)) return x;
  if (x < 0.0) return uintBitsToFloat(0x7fc00000u);
  return x == 0.0 ? uintBitsToFloat(0xff800000u) : result;
}

// (sin, cos)
vec2 sinCosOf(float x) {
  float j = roundEven(x * 0.636619772367581343);
  precise float r = x - j * 1.5703125;
  r = r - j * 4.837512969970703125e-4;
  r = r - j * 7.54978995489188216e-8;
  float z = r * r;
  float s = ((-1.9515295891e-4 * z + 8.3321608736e-3) * z - 1.6666654611e-1) * z * r + r;
  float c = ((2.443315711809948e-5 * z - 1.388731625493765e-3) * z + 4.166664568298827e-2) * z * z - 0.5 * z + 1.0;
  int q = int(j) & 3;
  float sine = (q & 1) == 0 ? s : c;
  float cosine = (q & 1) == 0 ? c : s;
  return vec2((q & 2) == 0 ? sine : -sine, q == 1 || q == 2 ? -cosine : cosine);
}

float tanhOf(float x) {
  float z = x * x;
  float p = -5.70498872745e-3;
  p = p * z + 2.06390887954e-2;
  p = p * z - 5.37397155531e-2;
  p = p * z + 1.33314422036e-1;
  p = p * z - 3.33332819422e-1;
  float near = p * z * x + x;
  float far = 1.0 - 2.0 / (expOf(2.0 * abs(x)) + 1.0);
  return abs(x) < 0.625 ? near : x < 0.0 ? -far : far;
}

float erfOf(float x) {
  float a = abs(x);
  float z = x * x;
  float t = 7.853861353153693e-5;
  t = t * z - 8.010193625184903e-4;
  t = t * z + 5.188327685732524e-3;
  t = t * z - 2.685381193529856e-2;
  t = t * z + 1.128358514861418e-1;
  t = t * z - 3.761262582423300e-1;
  t = t * z + 1.128379165726710;
  float q = 1.0 / max(a, 1.0);
  float y = q * q;
  float p = 2.326819970068386e-2;
  p = p * y - 1.387039388740657e-1;
  p = p * y + 3.687424674597105e-1;
  p = p * y - 5.824733027278666e-1;
  p = p * y + 6.210004621745983e-1;
  p = p * y - 4.944515323274145e-1;
  p = p * y + 3.404879937665872e-1;
  p = p * y - 2.741127028184656e-1;
  p = p * y + 5.638259427386472e-1;
  float r = -1.047766399936249e+1;
  r = r * y + 1.297719955372516e+1;
  r = r * y - 7.495518717768503;
  r = r * y + 2.921019019210786;
  r = r * y - 1.015265279202700;
  r = r * y + 4.218463358204948e-1;
  r = r * y - 2.820767439740514e-1;
  r = r * y + 5.641895067754075e-1;
  float far = 1.0 - expOf(-z) * q * (a < 2.0 ? p : r);
  float result = a < 1.0 ? x * t : x < 0.0 ? -far : far;
  return isNan(x) ? x : result;
}

float sigmoidOf(float x) { return 1.0 / (1.0 + expOf(-x)); }

float powOf(float x, float y) {
  if (y == 0.0) return 1.0;
  float magnitude = x == 0.0 ? (y > 0.0 ? 0.0 : uintBitsToFloat(0x7f800000u)) : expOf(y * logOf(abs(x)));
  if (x >= 0.0) return magnitude;
  if (floor(y) != y) return uintBitsToFloat(0x7fc00000u);
  return floor(y * 0.5) * 2.0 == y ? magnitude : -magnitude;
}
