// Small correct kernels, and others with one bug each, for tests of the emulation.
#define EVERYONE 0xffffffffu
#define ROW(array) (array + blockIdx.x * n)

__device__ __forceinline__ float warp_sum(float value) {
#pragma unroll
  for (int bits = 16; bits; bits >>= 1) value += __shfl_xor_sync(EVERYONE, value, bits);
  return value;
}

__device__ __forceinline__ float own_sum(const float *row, int n) {
  float sum = 0.0f;
  for (int i = threadIdx.x; i < n; i += blockDim.x) sum += __ldg(row + i);
  return warp_sum(sum);
}

extern "C" __global__ void __launch_bounds__(THREADS)
total(const float *__restrict__ x, float *__restrict__ out, int n) {
  extern __shared__ float part[];
  const float sum = own_sum(ROW(x), n);
  if (threadIdx.x % 32 == 0) part[threadIdx.x / 32] = sum;
  __syncthreads();
  float whole = 0.0f;
  for (int warp = 0; warp < THREADS / 32; ++warp) whole += part[warp];
  if (threadIdx.x == 0) out[blockIdx.x] = whole;
}

extern "C" __global__ void total_without_barrier(const float *x, float *out, int n) {
  extern __shared__ float part[];
  const float sum = own_sum(ROW(x), n);
  if (threadIdx.x % 32 == 0) part[threadIdx.x / 32] = sum;
  float whole = 0.0f;
  for (int warp = 0; warp < THREADS / 32; ++warp) whole += part[warp];
  if (threadIdx.x == 0) out[blockIdx.x] = whole;
}

// In each round a thread reads what its neighbour wrote in the last. One buffer needs two barriers.
extern "C" __global__ void hand_on(float *out, int rounds, int barriers) {
  __shared__ float value[THREADS];
  value[threadIdx.x] = float(threadIdx.x);
  for (int i = 0; i < rounds; ++i) {
    __syncthreads();
    const float next = value[(threadIdx.x + 1) % THREADS];
    if (barriers == 2) __syncthreads();
    value[threadIdx.x] = next;
  }
  out[threadIdx.x] = value[threadIdx.x];
}

extern "C" __global__ void some_return_early(float *out) {
  if (threadIdx.x >= 64) return;
  __syncthreads();
  out[threadIdx.x] = 1.0f;
}

extern "C" __global__ void barrier_in_a_branch(float *out) {
  if (threadIdx.x < 64) {
    __syncthreads();
  } else {
    __syncthreads();
  }
  out[threadIdx.x] = 1.0f;
}

extern "C" __global__ void half_a_warp_shuffles(float *out) {
  float value = 1.0f;
  if (threadIdx.x % 32 < 16) value = __shfl_xor_sync(EVERYONE, value, 1);
  out[threadIdx.x] = value;
}

extern "C" __global__ void masks_differ(float *out) {
  const unsigned mask = threadIdx.x % 32 < 16 ? 0x0001ffffu : 0xffff8000u;
  out[threadIdx.x] = __shfl_xor_sync(mask, 1.0f, 1);
}

extern "C" __global__ void not_in_its_own_mask(float *out) {
  out[threadIdx.x] = __shfl_sync(0x0000ffffu, 1.0f, 0);
}

extern "C" __global__ void reads_outside_the_mask(float *out) {
  const unsigned mask = threadIdx.x % 32 < 16 ? 0x0000ffffu : 0xffff0000u;
  out[threadIdx.x] = __shfl_xor_sync(mask, 1.0f, 16);
}

extern "C" __global__ void halves_of_a_warp(int *out) {
  const int lane = threadIdx.x % 32;
  const unsigned mask = lane < 16 ? 0x0000ffffu : 0xffff0000u;
  int value = lane;
  if (lane < 16) value += 100 * __shfl_xor_sync(mask, lane, 1);
  else value += 100 * __shfl_xor_sync(mask, lane, 3);
  __syncwarp();
  out[threadIdx.x] = value;
}

extern "C" __global__ void every_exchange(double *out) {
  const int lane = threadIdx.x % 32;
  double *mine = out + 9 * threadIdx.x;
  mine[0] = __shfl_sync(EVERYONE, double(lane), 5);
  mine[1] = __shfl_sync(EVERYONE, float(lane), 2, 4);
  mine[2] = __shfl_xor_sync(EVERYONE, lane, 6);
  mine[3] = __shfl_down_sync(EVERYONE, lane, 3, 8);
  mine[4] = __shfl_up_sync(EVERYONE, lane, 3, 8);
  mine[5] = __ballot_sync(EVERYONE, lane % 3 == 0);
  mine[6] = __any_sync(EVERYONE, lane == 31);
  mine[7] = __all_sync(EVERYONE, lane < 31);
  mine[8] = __shfl_xor_sync(EVERYONE, lane, 8, 8);
}

// The most rounds that the second warp is ahead of the first: no barrier synchronizes them.
extern "C" __global__ void lead(int *out) {
  __shared__ volatile int rounds[2];
  rounds[threadIdx.x / 32] = 0;
  __syncthreads();
  int most = 0;
  for (int i = 1; i <= 20; ++i) {
    __syncwarp();
    rounds[threadIdx.x / 32] = i;
    most = max(most, rounds[1] - i);
  }
  if (threadIdx.x == 0) out[0] = most;
}

extern "C" __global__ void fast_quotients(float *x, const float *by) {
  x[threadIdx.x] = __fdividef(x[threadIdx.x], by[threadIdx.x]);
}

extern "C" __global__ void read_at(const float *x, float *out, int i) { out[0] = x[i]; }
extern "C" __global__ void write_at(float *out, int i) { out[i] = 1.0f; }
extern "C" __global__ void four_at(const float *x, float *out, int i) {
  out[0] = reinterpret_cast<const float4 *>(x + i)->w;
}
extern "C" __global__ void fixed_at(float *out, int i) {
  __shared__ float fixed[8];
  fixed[threadIdx.x % 8] = 1.0f;
  __syncthreads();
  out[threadIdx.x] = fixed[i];
}
extern "C" __global__ void unwritten(float *out) {
  __shared__ float fixed[THREADS];
  if (threadIdx.x == 0) fixed[blockIdx.x] = 1.0f;
  __syncthreads();
  out[blockIdx.x * blockDim.x + threadIdx.x] = fixed[threadIdx.x];
}
extern "C" __global__ void fill_dynamic(float *out, int n) {
  extern __shared__ float part[];
  for (int i = threadIdx.x; i < n; i += blockDim.x) part[i] = float(i);
  __syncthreads();
  if (threadIdx.x == 0) out[0] = part[n - 1];
}

extern "C" __global__ void every_kind(const float *x, const unsigned char *flags, float *maybe, int n,
                                      float scale, long long far) {
  assert(n > 0);
  if (maybe) maybe[0] = x[0] * scale + float(flags[0]) + float(n) + float(far);
}
extern "C" __global__ void divide(int *out, int by) { out[0] = 7 / by; }
extern "C" __global__ void wait_forever(volatile int *flag) {
  while (!*flag) {
  }
}
extern "C" __global__ void where_am_i(int *out) {
  const int thread = threadIdx.x + blockDim.x * (threadIdx.y + blockDim.y * threadIdx.z);
  const int block = blockIdx.x + gridDim.x * (blockIdx.y + gridDim.y * blockIdx.z);
  out[block * blockDim.x * blockDim.y * blockDim.z + thread] = 1000 * block + thread;
}
extern "C" __global__ void count(float *out, int *most) {
  atomicAdd(out, 1.0f);
  atomicMax(most, int(blockIdx.x * blockDim.x + threadIdx.x));
}
extern "C" __global__ void all_blocks_write(float *out) {
  if (threadIdx.x == 0) out[0] = 1.0f;
}
extern "C" __global__ void through_shared(float *out, int in_step) {
  __shared__ float value[THREADS];
  value[threadIdx.x] = float(threadIdx.x);
  if (in_step) __syncwarp();
  out[threadIdx.x] = value[threadIdx.x ^ 1];
}
// The last block adds up what all blocks have written. `fences`: before and after the operation.
extern "C" __global__ void last_block_adds(float *parts, unsigned *counter, float *out, int fences) {
  __shared__ bool is_last;
  parts[blockIdx.x * blockDim.x + threadIdx.x] = 1.0f;
  if (fences & 4) __syncthreads();
  if (threadIdx.x == 0) {
    if (fences & 1) __threadfence();
    is_last = atomicAdd(counter, 1u) + 1u == gridDim.x;
    if (fences & 2) __threadfence();
  }
  __syncthreads();
  if (!is_last || threadIdx.x) return;
  float sum = 0.0f;
  for (int i = 0; i < gridDim.x * blockDim.x; i++) sum += parts[i];
  out[0] = sum;
}
