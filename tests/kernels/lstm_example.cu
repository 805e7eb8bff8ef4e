// A persistent LSTM forward pass, small enough to read: a block is one row of the batch, a thread
// one gate of one unit. A test of the emulation; compiled with -DUNITS and -DSTEPS.
extern "C" __global__ void __launch_bounds__(4 * UNITS)
forward(const float *__restrict__ xw, const float *__restrict__ u, float *__restrict__ h_out,
        float *__restrict__ gates, int rows) {
  __shared__ __align__(16) float h[2][UNITS];
  const int unit = threadIdx.x >> 2, gate = threadIdx.x & 3, row = blockIdx.x;
  const int column = gate * UNITS + unit;
  float weights[UNITS];
#pragma unroll
  for (int k = 0; k < UNITS; ++k) weights[k] = u[k * 4 * UNITS + column];
  float c = 0.0f;
  if (gate == 0) h[0][unit] = 0.0f;
  __syncthreads();
  for (int t = 0; t < STEPS; ++t) {
    const size_t here = (size_t(t) * rows + row) * 4 * UNITS + column;
    float sum = xw[here], second = 0.0f;
    const float4 *before = reinterpret_cast<const float4 *>(h[t & 1]);
#pragma unroll
    for (int k = 0; k < UNITS / 4; ++k) {
      const float4 four = before[k];
      sum = fmaf(four.x, weights[4 * k], sum);
      second = fmaf(four.y, weights[4 * k + 1], second);
      sum = fmaf(four.z, weights[4 * k + 2], sum);
      second = fmaf(four.w, weights[4 * k + 3], second);
    }
    sum += second;
    const float value = gate == 2 ? tanhf(sum) : __fdividef(1.0f, 1.0f + __expf(-sum));
    __stcs(gates + here, value);
    const float i = __shfl_sync(0xffffffffu, value, 0, 4);
    const float f = __shfl_sync(0xffffffffu, value, 1, 4);
    const float g = __shfl_sync(0xffffffffu, value, 2, 4);
    const float o = __shfl_sync(0xffffffffu, value, 3, 4);
    c = f * c + i * g;
    const float state = o * tanhf(c);
    if (gate == 0) {
      h[(t + 1) & 1][unit] = state;
      h_out[(size_t(t) * rows + row) * UNITS + unit] = state;
    }
    __syncthreads();
  }
}
