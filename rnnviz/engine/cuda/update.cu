// What a training step does beside walking through time. In front of this text stand the
// optimizers' steps, written from their formulas.

#define ROOMS 64  // partial sums of an array, at most: one a block

// The sum over a block, for all of its threads; 256 of them.
__device__ __forceinline__ float over_block(float value)
{
    __shared__ float partial[8];
    for (int other = 16; other > 0; other /= 2)
        value += __shfl_xor_sync(0xffffffffu, value, other);
    if (threadIdx.x % 32 == 0)
        partial[threadIdx.x / 32] = value;
    __syncthreads();
    float sum = 0.0f;
    for (int k = 0; k < 8; k++)
        sum += partial[k];
    __syncthreads();
    return sum;
}

// Texts lie one behind the other in `flat`; text n begins at starts[n] and ends at starts[n + 1].
// Those of a batch as ids (T, B), padded with 0: in front, and then of a longer text the end is
// kept, or behind, and then its beginning.
extern "C" __global__ void padded_ids(
    const int *__restrict__ flat, const int *__restrict__ starts, const int *__restrict__ texts,
    int *__restrict__ ids, int T, int B, int in_front)
{
    const int place = blockIdx.x * blockDim.x + threadIdx.x;
    if (place >= T * B)
        return;
    const int t = place / B, start = starts[texts[place % B]];
    const int length = starts[texts[place % B] + 1] - start;
    const int word = in_front ? length - T + t : t;
    ids[place] = word >= 0 && word < length ? flat[start + word] : 0;
}

// Each row of d (P, E) added to the row of the table (V, E) that it was looked up from. A block
// takes a tile of uses. Often half of the uses are padding, id 0: if each were added to the same
// row they would queue up there, so a block first sums those of its own tile.
extern "C" __global__ void scatter(
    const int *__restrict__ ids, const float *__restrict__ d, float *__restrict__ table,
    int uses, int width, int tile)
{
    const int first = blockIdx.x * tile, end = min(first + tile, uses);
    for (int column = threadIdx.x; column < width; column += blockDim.x) {
        float padding = 0.0f;
        for (int use = first; use < end; use++) {
            const float value = d[use * width + column];
            const int id = ids[use];
            if (id == 0)
                padding += value;
            else
                atomicAdd(&table[id * width + column], value);
        }
        if (padding != 0.0f)
            atomicAdd(&table[column], padding);
    }
}

// Arrays lie one behind the other in `g`; array n begins at starts[n] and ends at starts[n + 1]. The
// squares of its numbers are summed by block, each into a room of its own: (ROOMS, arrays) blocks.
extern "C" __global__ void squares(
    const float *__restrict__ g, const int *__restrict__ starts, float *__restrict__ rooms)
{
    float sum = 0.0f;
    const int first = starts[blockIdx.y] + blockIdx.x * blockDim.x, end = starts[blockIdx.y + 1];
    if (first >= end) {  // a small array fills few rooms
        if (threadIdx.x == 0)
            rooms[blockIdx.y * ROOMS + blockIdx.x] = 0.0f;
        return;
    }
    for (int k = first + threadIdx.x; k < end; k += ROOMS * blockDim.x)
        sum += g[k] * g[k];
    sum = over_block(sum);
    if (threadIdx.x == 0)
        rooms[blockIdx.y * ROOMS + blockIdx.x] = sum;
}

// What is to become of a step: the sum of squares of every gradient, the factor that keeps their
// joint norm within `limit` (if that is positive), and whether a number is not finite. If so, this
// and all later steps change nothing until somebody looks.
extern "C" __global__ void judge(
    const float *__restrict__ rooms, const float *__restrict__ loss, float *__restrict__ found,
    float *__restrict__ verdict, int arrays, float limit)
{
    float total = 0.0f;
    for (int array = 0; array < arrays; array++) {
        const float mine = threadIdx.x < ROOMS ? rooms[array * ROOMS + threadIdx.x] : 0.0f;
        const float sum = over_block(mine);
        total += sum;
        if (threadIdx.x == 0)
            found[array] = sum;
    }
    if (threadIdx.x == 0) {
        const float norm = sqrtf(total);
        verdict[0] = limit > 0.0f && norm > limit ? limit / norm : 1.0f;
        if (!isfinite(total) || !isfinite(loss[0]))
            verdict[1] = 1.0f;
    }
}
