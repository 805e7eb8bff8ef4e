// The matrix products of a recurrent layer around its steps: for all steps, gates and directions in
// one launch each. A row is a token of a sequence, R = T·B of them, in the order of (T, B).
//
// Dropout of the input or of h_prev has one mask for all gates or one for each. The columns of a mask
// are a group: `groups` is 1 or the number of gates, and a column tile lies within a group.
//
// A block of 128 threads computes a tile of 64 rows and 32 columns, 4 by 4 numbers a thread.

#define TILE_ROWS 64
#define TILE_COLUMNS 32
#define TILE_DEPTH 32  // rows and columns that are multiplied between two barriers
#define TILE_THREADS 128
#define THREAD_ROWS (TILE_THREADS / 8)  // threads that share the columns of a thread
#define TILE_NUMBERS (TILE_ROWS * TILE_COLUMNS)
#define LAST_LOADS (TILE_NUMBERS / TILE_THREADS / 4)

struct Tiles {
    // Rows are four floats longer, so that float4s of several rows are in different banks.
    float left[TILE_DEPTH][TILE_ROWS + 4], right[TILE_DEPTH][TILE_COLUMNS + 4];
};

// The first row and column of a thread in the tile.
__device__ __forceinline__ int thread_row() { return threadIdx.x / 8 * 4; }
__device__ __forceinline__ int thread_column() { return threadIdx.x % 8 * 4; }
__device__ __forceinline__ int tiles_of(int size, int tile) { return (size + tile - 1) / tile; }

__device__ __forceinline__ void add_product(const Tiles &tiles, float (&sum)[4][4])
{
#pragma unroll
    for (int k = 0; k < TILE_DEPTH; k++) {
        const float4 a = *reinterpret_cast<const float4 *>(&tiles.left[k][thread_row()]);
        const float4 b = *reinterpret_cast<const float4 *>(&tiles.right[k][thread_column()]);
        const float left[4] = {a.x, a.y, a.z, a.w}, right[4] = {b.x, b.y, b.z, b.w};
#pragma unroll
        for (int i = 0; i < 4; i++)
#pragma unroll
            for (int j = 0; j < 4; j++)
                sum[i][j] = fmaf(left[i], right[j], sum[i][j]);
    }
}

// The columns of a tile: of N columns in groups.
struct Columns {
    int group, first, end;
    __device__ __forceinline__ Columns(int tile, int N, int groups)
    {
        const int width = N / groups, tiles = tiles_of(width, TILE_COLUMNS);
        group = tile / tiles;
        first = group * width + tile % tiles * TILE_COLUMNS;
        end = (group + 1) * width;
    }
};

// x·W + b. The grid has (row tiles, column tiles, directions) blocks.
extern "C" __global__ void __launch_bounds__(TILE_THREADS, 4)
input_projection(
    const float *__restrict__ x,        // (R, D), or a table (V, D) of which the rows `ids` are read
    const int *__restrict__ ids,        // (R), or null
    const float *__restrict__ mask_0,   // (groups, B, D): dropout of x in the first direction, or null
    const float *__restrict__ mask_1,   // the same in the second direction
    const float *__restrict__ W_0, const float *__restrict__ W_1,  // (D, N)
    const float *__restrict__ b_0, const float *__restrict__ b_1,  // (N)
    float *__restrict__ xw,             // (directions, R, N)
    int R, int B, int D, int N, int groups)
{
    __shared__ __align__(16) Tiles tiles;
    const float *mask = blockIdx.z ? mask_1 : mask_0, *W = blockIdx.z ? W_1 : W_0;
    const float *b = blockIdx.z ? b_1 : b_0;
    const Columns columns(blockIdx.y, N, groups);
    const int first_row = blockIdx.x * TILE_ROWS;
    float sum[4][4] = {};
    for (int first = 0; first < D; first += TILE_DEPTH) {
#pragma unroll
        for (int n = threadIdx.x; n < TILE_DEPTH * TILE_ROWS; n += TILE_THREADS) {
            const int k = n % TILE_DEPTH, row = first_row + n / TILE_DEPTH, d = first + k;
            float value = 0.0f;
            if (row < R && d < D) {
                value = x[(ids ? ids[row] : row) * D + d];
                if (mask)
                    value *= mask[(columns.group * B + row % B) * D + d];
            }
            tiles.left[k][n / TILE_DEPTH] = value;
        }
#pragma unroll
        for (int n = threadIdx.x; n < TILE_DEPTH * TILE_COLUMNS; n += TILE_THREADS) {
            const int d = first + n / TILE_COLUMNS, column = columns.first + n % TILE_COLUMNS;
            tiles.right[n / TILE_COLUMNS][n % TILE_COLUMNS] =
                d < D && column < columns.end ? W[d * N + column] : 0.0f;
        }
        __syncthreads();
        add_product(tiles, sum);
        __syncthreads();
    }
#pragma unroll
    for (int i = 0; i < 4; i++)
#pragma unroll
        for (int j = 0; j < 4; j++) {
            const int row = first_row + thread_row() + i;
            const int column = columns.first + thread_column() + j;
            if (row < R && column < columns.end)
                xw[(blockIdx.z * R + row) * N + column] = sum[i][j] + (b ? b[column] : 0.0f);
        }
}

// The gradient of x: over all directions and groups the sum of d_xw·Wᵀ, times the dropout mask.
// With `ids` row by row added to those rows of a table. The grid has (row tiles, column tiles) blocks.
extern "C" __global__ void __launch_bounds__(TILE_THREADS, 4)
input_gradient(
    const float *__restrict__ d_xw,     // (directions, R, N)
    const float *__restrict__ W_0, const float *__restrict__ W_1,        // (D, N)
    const float *__restrict__ mask_0, const float *__restrict__ mask_1,  // (groups, B, D), or null
    const int *__restrict__ ids,        // (R), or null
    float *__restrict__ d_x,            // (R, D), or with ids the gradient of the table (V, D)
    int R, int B, int D, int N, int groups, int directions)
{
    __shared__ __align__(16) Tiles tiles;
    const int first_row = blockIdx.x * TILE_ROWS, first_column = blockIdx.y * TILE_COLUMNS;
    const int width = N / groups;
    float total[4][4] = {};
    for (int part = 0; part < directions * groups; part++) {
        const int direction = part / groups, group = part % groups;
        const float *W = direction ? W_1 : W_0, *mask = direction ? mask_1 : mask_0;
        float sum[4][4] = {};
        for (int first = 0; first < width; first += TILE_DEPTH) {
#pragma unroll
            for (int n = threadIdx.x; n < TILE_DEPTH * TILE_ROWS; n += TILE_THREADS) {
                const int k = n % TILE_DEPTH, row = first_row + n / TILE_DEPTH;
                tiles.left[k][n / TILE_DEPTH] = row < R && first + k < width
                    ? d_xw[(direction * R + row) * N + group * width + first + k] : 0.0f;
            }
#pragma unroll
            for (int n = threadIdx.x; n < TILE_DEPTH * TILE_COLUMNS; n += TILE_THREADS) {
                const int k = n % TILE_DEPTH, d = first_column + n / TILE_DEPTH;
                tiles.right[k][n / TILE_DEPTH] =
                    d < D && first + k < width ? W[d * N + group * width + first + k] : 0.0f;
            }
            __syncthreads();
            add_product(tiles, sum);
            __syncthreads();
        }
#pragma unroll
        for (int i = 0; i < 4; i++)
#pragma unroll
            for (int j = 0; j < 4; j++) {
                const int row = first_row + thread_row() + i, d = first_column + thread_column() + j;
                if (row < R && d < D)
                    total[i][j] += mask ? sum[i][j] * mask[(group * B + row % B) * D + d] : sum[i][j];
            }
    }
    // Often half of the ids are padding, 0: atomic additions to one row would wait for each other, so
    // a block sums those of its tile first.
    float padding[4] = {};
#pragma unroll
    for (int i = 0; i < 4; i++)
#pragma unroll
        for (int j = 0; j < 4; j++) {
            const int row = first_row + thread_row() + i, d = first_column + thread_column() + j;
            if (row >= R || d >= D)
                continue;
            if (!ids)
                d_x[row * D + d] = total[i][j];
            else if (ids[row] == 0)
                padding[j] += total[i][j];
            else
                atomicAdd(&d_x[ids[row] * D + d], total[i][j]);
        }
    if (!ids)
        return;
#pragma unroll
    for (int j = 0; j < 4; j++)
        tiles.right[threadIdx.x / 8][thread_column() + j] = padding[j];
    __syncthreads();
    if (threadIdx.x < TILE_COLUMNS && first_column + threadIdx.x < D) {
        float sum = 0.0f;
        for (int k = 0; k < THREAD_ROWS; k++)
            sum += tiles.right[k][threadIdx.x];
        if (sum != 0.0f)
            atomicAdd(&d_x[first_column + threadIdx.x], sum);
    }
}

// The gradients of W, U and b: xᵀ·d_xw, h_prevᵀ·d_hu, and the sums of the columns of d_xw (and, in a
// second row of b, of d_hu). A block adds up some of the rows; the last one of a tile adds up what the
// blocks have found, always in the same order. The grid has (tiles, splits, directions) blocks.
extern "C" __global__ void __launch_bounds__(TILE_THREADS, 4)
weight_gradients(
    const float *__restrict__ x, const int *__restrict__ ids,  // as in input_projection
    const float *__restrict__ x_mask_0, const float *__restrict__ x_mask_1,
    const float *__restrict__ h_0, const float *__restrict__ h_1,  // (R, H): h_prev
    const float *__restrict__ h_mask_0, const float *__restrict__ h_mask_1,  // (h_groups, B, H)
    const float *__restrict__ d_xw,     // (directions, R, N)
    const float *__restrict__ d_hu,     // (directions, R, M)
    float *__restrict__ d_W_0, float *__restrict__ d_W_1,  // (D, N)
    float *__restrict__ d_U_0, float *__restrict__ d_U_1,  // (H, M)
    float *__restrict__ d_b_0, float *__restrict__ d_b_1,  // (N), or two rows
    float *partial,                     // (directions, tiles, splits, TILE_NUMBERS + TILE_COLUMNS)
    unsigned *counters,                 // (directions, tiles): see is_last_block
    int R, int B, int D, int H, int N, int M, int x_groups, int h_groups, int bias_rows)
{
    __shared__ __align__(16) Tiles tiles;
    const int x_row_tiles = tiles_of(D, TILE_ROWS);
    const int x_tiles = x_row_tiles * x_groups * tiles_of(N / x_groups, TILE_COLUMNS);
    const bool is_U = blockIdx.x >= x_tiles;
    const int tile = is_U ? blockIdx.x - x_tiles : blockIdx.x;
    const int row_tiles = is_U ? tiles_of(H, TILE_ROWS) : x_row_tiles;
    const int rows = is_U ? H : D, width = is_U ? M : N;
    const Columns columns(tile / row_tiles, width, is_U ? h_groups : x_groups);
    const int first_row = tile % row_tiles * TILE_ROWS;
    const float *values = is_U ? (blockIdx.z ? h_1 : h_0) : x;
    const float *mask = is_U ? (blockIdx.z ? h_mask_1 : h_mask_0) : (blockIdx.z ? x_mask_1 : x_mask_0);
    const float *d = (is_U ? d_hu : d_xw) + blockIdx.z * R * width;
    const int share = (R + gridDim.y - 1) / gridDim.y;
    const int begin = blockIdx.y * share, end = min(begin + share, R);

    float sum[4][4] = {}, bias[4] = {};
    for (int first = begin; first < end; first += TILE_DEPTH) {
#pragma unroll
        for (int n = threadIdx.x; n < TILE_DEPTH * TILE_ROWS; n += TILE_THREADS) {
            const int token = first + n / TILE_ROWS, row = first_row + n % TILE_ROWS;
            float value = 0.0f;
            if (token < end && row < rows) {
                value = values[(ids && !is_U ? ids[token] : token) * rows + row];
                if (mask)
                    value *= mask[(columns.group * B + token % B) * rows + row];
            }
            tiles.left[n / TILE_ROWS][n % TILE_ROWS] = value;
        }
#pragma unroll
        for (int n = threadIdx.x; n < TILE_DEPTH * TILE_COLUMNS; n += TILE_THREADS) {
            const int token = first + n / TILE_COLUMNS, column = columns.first + n % TILE_COLUMNS;
            tiles.right[n / TILE_COLUMNS][n % TILE_COLUMNS] =
                token < end && column < columns.end ? d[token * width + column] : 0.0f;
        }
        __syncthreads();
        add_product(tiles, sum);
        // The threads of a column share the tokens among them.
#pragma unroll
        for (int k = threadIdx.x / 8; k < TILE_DEPTH; k += THREAD_ROWS)
#pragma unroll
            for (int j = 0; j < 4; j++)
                bias[j] += tiles.right[k][thread_column() + j];
        __syncthreads();
    }
    const int numbers = TILE_NUMBERS + TILE_COLUMNS, place = blockIdx.z * gridDim.x + blockIdx.x;
    float *mine = partial + (place * gridDim.y + blockIdx.y) * numbers;
#pragma unroll
    for (int i = 0; i < 4; i++)
#pragma unroll
        for (int j = 0; j < 4; j++)
            mine[(thread_row() + i) * TILE_COLUMNS + thread_column() + j] = sum[i][j];
#pragma unroll
    for (int j = 0; j < 4; j++)
        tiles.right[threadIdx.x / 8][thread_column() + j] = bias[j];
    __syncthreads();
    if (threadIdx.x < TILE_COLUMNS) {
        float column_sum = 0.0f;
        for (int k = 0; k < THREAD_ROWS; k++)
            column_sum += tiles.right[k][threadIdx.x];
        mine[TILE_NUMBERS + threadIdx.x] = column_sum;
    }
    if (!is_last_block(&counters[place], gridDim.y))
        return;

    float *d_weight = is_U ? (blockIdx.z ? d_U_1 : d_U_0) : (blockIdx.z ? d_W_1 : d_W_0);
    float *d_b = blockIdx.z ? d_b_1 : d_b_0;
    const float *all = partial + place * gridDim.y * numbers;
    // Many loads at a time, because each takes hundreds of cycles.
    float4 found[LAST_LOADS] = {};
#pragma unroll 4
    for (int split = 0; split < gridDim.y; split++) {
        const float4 *part = reinterpret_cast<const float4 *>(all + split * numbers);
#pragma unroll
        for (int n = 0; n < LAST_LOADS; n++) {
            const float4 more = __ldcg(&part[n * TILE_THREADS + threadIdx.x]);
            found[n].x += more.x;
            found[n].y += more.y;
            found[n].z += more.z;
            found[n].w += more.w;
        }
    }
#pragma unroll
    for (int n = 0; n < LAST_LOADS; n++) {
        const float four[4] = {found[n].x, found[n].y, found[n].z, found[n].w};
#pragma unroll
        for (int j = 0; j < 4; j++) {
            const int number = (n * TILE_THREADS + threadIdx.x) * 4 + j;
            const int row = first_row + number / TILE_COLUMNS;
            const int column = columns.first + number % TILE_COLUMNS;
            if (row < rows && column < columns.end)
                d_weight[row * width + column] = four[j];
        }
    }
    const int column = columns.first + threadIdx.x;
    if (threadIdx.x < TILE_COLUMNS && column < columns.end && first_row == 0 && is_U < bias_rows) {
        float column_sum = 0.0f;
#pragma unroll 8
        for (int split = 0; split < gridDim.y; split++)
            column_sum += __ldcg(&all[split * numbers + TILE_NUMBERS + threadIdx.x]);
        d_b[is_U * N + column] = column_sum;
    }
}
