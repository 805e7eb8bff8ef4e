// What the kernels of the shared module have in common (see shared_kernels.py).

// The state of a training on the GPU: see check_gradients.
#define FACTOR 0
#define FAULT 1
#define STEP 2

// The sum over a block of 256 threads, returned to all of them.
__device__ __forceinline__ float block_sum(float value)
{
    __shared__ float of_warp[8];
    for (int other = 16; other > 0; other /= 2)
        value += __shfl_xor_sync(0xffffffffu, value, other);
    if (threadIdx.x % 32 == 0)
        of_warp[threadIdx.x / 32] = value;
    __syncthreads();
    float sum = 0.0f;
    for (int k = 0; k < 8; k++)
        sum += of_warp[k];
    __syncthreads();
    return sum;
}

// Whether this block is the last of `count` blocks that arrive here. It then sees what the others
// wrote before, if it reads that with __ldcg(), from the cache that all blocks share. The counter is
// zero before and after a launch.
__device__ __forceinline__ bool is_last_block(unsigned *counter, unsigned count)
{
    __shared__ bool is_last;
    __syncthreads();
    if (threadIdx.x == 0) {
        __threadfence();
        is_last = atomicAdd(counter, 1u) + 1u == count;
        __threadfence();
        if (is_last)
            atomicExch(counter, 0u);
    }
    __syncthreads();
    return is_last;
}
