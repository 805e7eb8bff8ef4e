// The kernels of an update besides those of the recurrent layers. The generated source has the kernels of the
// optimizers in front of this text (see steps.py).

#define PARTIAL_SUMS 64  // of an array: one for each block

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

// A batch of texts: ids (T, B), padded with 0, targets and weights (B). `flat` are all texts
// concatenated; text n is from starts[n] to starts[n + 1]. Column b is text order[first[0] + b].
// Padding in front keeps the end of longer texts, padding behind their beginning.
extern "C" __global__ void __launch_bounds__(256)
gather_texts(
    const int *__restrict__ flat, const int *__restrict__ starts, const float *__restrict__ targets,
    const float *__restrict__ weights, const int *__restrict__ order, const int *__restrict__ first,
    int *__restrict__ ids, float *__restrict__ y, float *__restrict__ weight, int T, int B,
    int pad_front)
{
    const int index = blockIdx.x * blockDim.x + threadIdx.x;
    if (index >= T * B)
        return;
    const int t = index / B, column = index % B, text = order[first[0] + column];
    const int start = starts[text], length = starts[text + 1] - start;
    const int word = pad_front ? length - T + t : t;
    ids[index] = word >= 0 && word < length ? flat[start + word] : 0;
    if (t == 0) {
        y[column] = targets[text];
        weight[column] = weights[text];
    }
}

// A batch of windows of a series (rows, D): measurements (T, B, D), targets and weights (B). Step t of
// column b is row r + offsets[t], where r is order[first[0] + b]; the target is a number of row
// r + delay.
extern "C" __global__ void __launch_bounds__(256)
gather_windows(
    const float *__restrict__ series, const int *__restrict__ offsets,
    const int *__restrict__ order, const int *__restrict__ first, float *__restrict__ x,
    float *__restrict__ y, float *__restrict__ weight, int T, int B, int D, int delay, int target)
{
    const int index = blockIdx.x * blockDim.x + threadIdx.x;
    if (index >= T * B * D)
        return;
    const int d = index % D, column = index / D % B, t = index / D / B;
    const int row = order[first[0] + column];
    x[index] = series[(row + offsets[t]) * D + d];
    if (t == 0 && d == 0) {
        y[column] = series[(row + delay) * D + target];
        weight[column] = 1.0f;
    }
}

// Adds each row of d (P, E) to the row `ids` of the table (V, E). A block adds a tile of rows. Often
// half of the ids are padding, 0: atomic additions to one row would wait for each other, so a block
// sums those of its tile first.
extern "C" __global__ void scatter_add(
    const int *__restrict__ ids, const float *__restrict__ d, float *__restrict__ table,
    int count, int width, int tile)
{
    const int first = blockIdx.x * tile, end = min(first + tile, count);
    for (int column = threadIdx.x; column < width; column += blockDim.x) {
        float padding = 0.0f;
        for (int row = first; row < end; row++) {
            const float value = d[row * width + column];
            const int id = ids[row];
            if (id == 0)
                padding += value;
            else
                atomicAdd(&table[id * width + column], value);
        }
        if (padding != 0.0f)
            atomicAdd(&table[column], padding);
    }
}

// Partial sums of squares of each array in `g`, which are concatenated: array n is from starts[n] to
// starts[n + 1]. The grid has (PARTIAL_SUMS, arrays) blocks, one for each partial sum.
extern "C" __global__ void sum_squares(
    const float *__restrict__ g, const int *__restrict__ starts, float *__restrict__ partial)
{
    float sum = 0.0f;
    const int first = starts[blockIdx.y] + blockIdx.x * blockDim.x, end = starts[blockIdx.y + 1];
    if (first >= end) {  // a small array has fewer partial sums
        if (threadIdx.x == 0)
            partial[blockIdx.y * PARTIAL_SUMS + blockIdx.x] = 0.0f;
        return;
    }
    for (int k = first + threadIdx.x; k < end; k += PARTIAL_SUMS * blockDim.x)
        sum += g[k] * g[k];
    sum = block_sum(sum);
    if (threadIdx.x == 0)
        partial[blockIdx.y * PARTIAL_SUMS + blockIdx.x] = sum;
}

// The sum of squares of every gradient. decision[0] is the factor that clips their joint norm to
// `limit` (if that is positive). decision[1] is set if a number is not finite: this update and all
// later ones then change nothing, until the host reads the results.
extern "C" __global__ void check_gradients(
    const float *__restrict__ partial, const float *__restrict__ loss, float *__restrict__ squares,
    float *__restrict__ decision, int arrays, float limit)
{
    float total = 0.0f;
    for (int array = 0; array < arrays; array++) {
        const float partial_sum =
            threadIdx.x < PARTIAL_SUMS ? partial[array * PARTIAL_SUMS + threadIdx.x] : 0.0f;
        const float sum = block_sum(partial_sum);
        total += sum;
        if (threadIdx.x == 0)
            squares[array] = sum;
    }
    if (threadIdx.x == 0) {
        const float norm = sqrtf(total);
        decision[0] = limit > 0.0f && norm > limit ? limit / norm : 1.0f;
        if (!isfinite(total) || !isfinite(loss[0]))
            decision[1] = 1.0f;
    }
}
