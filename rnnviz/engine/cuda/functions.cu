// Functions that formulas call and CUDA does not have, in front of every module.

__device__ __forceinline__ float fast_tanh(float a) {
#if FAST_MATH
    // Near 0 the quotient would cancel; there the Taylor series is exact enough.
    const float s = a * a, near = a * fmaf(s, fmaf(s, fmaf(s, -17.0f / 315, 2.0f / 15), -1.0f / 3), 1);
    const float far = 1.0f - __fdividef(2.0f, 1.0f + __expf(2.0f * a));
    return fabsf(a) < 0.25f ? near : far;
#else
    return tanhf(a);
#endif
}

__device__ __forceinline__ float step(float y) { return y > 0.0f ? 1.0f : 0.0f; }
__device__ __forceinline__ float sign(float y) { return step(y) - step(-y); }
