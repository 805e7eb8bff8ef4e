// The kernels of batches and updates. The generated source has the kernels of the optimizers in front
// of this text (see shared_kernels.py).

#define PARTIAL_SUMS 64  // of an array: one for each block

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

// The sum of squares of every gradient, which are concatenated in `g`: array n is from starts[n] to
// starts[n + 1]. The grid has (PARTIAL_SUMS, arrays) blocks, one for each partial sum.
//
// The last block decides about the update. state[FACTOR] is the factor that clips the joint norm of
// the gradients to `limit` (if that is positive). state[FAULT] is set if a number is not finite: this
// update and all later ones then change nothing, until the host reads the results. state[STEP] is the
// number of steps since then; each has a row of the results: loss, metric, and the sum of squares of
// each gradient.
extern "C" __global__ void __launch_bounds__(256)
check_gradients(
    const float *__restrict__ g, const int *__restrict__ starts, float *partial, float *results,
    float *state, unsigned *counter, int arrays, float limit)
{
    float sum = 0.0f;
    const int first = starts[blockIdx.y] + blockIdx.x * blockDim.x, end = starts[blockIdx.y + 1];
    for (int k = first + threadIdx.x; k < end; k += PARTIAL_SUMS * blockDim.x)
        sum += g[k] * g[k];
    if (first < end)  // a small array has fewer partial sums
        sum = block_sum(sum);
    if (threadIdx.x == 0)
        partial[blockIdx.y * PARTIAL_SUMS + blockIdx.x] = sum;
    if (!is_last_block(counter, gridDim.x * gridDim.y))
        return;

    float total = 0.0f;
    float *row = results + int(state[STEP]) * (arrays + 2);
    for (int array = 0; array < arrays; array++) {
        const float square = block_sum(
            threadIdx.x < PARTIAL_SUMS ? __ldcg(&partial[array * PARTIAL_SUMS + threadIdx.x]) : 0.0f);
        total += square;
        if (threadIdx.x == 0)
            row[array + 2] = square;
    }
    if (threadIdx.x == 0) {
        const float norm = sqrtf(total);
        state[FACTOR] = limit > 0.0f && norm > limit ? limit / norm : 1.0f;
        if (!isfinite(total) || !isfinite(row[0]))
            state[FAULT] = 1.0f;
        state[STEP] += 1.0f;
    }
}
