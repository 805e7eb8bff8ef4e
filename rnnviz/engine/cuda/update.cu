// What a training step does beside walking through time.

// Each row of d (P, E) added to the row of the table (V, E) that it was looked up from. A block
// takes a tile of uses. About half of the uses are padding, id 0: if each were added to the same
// row they would queue up there, so a block first sums those of its own tile.
extern "C" __global__ void scatter(
    const long long *__restrict__ ids, const float *__restrict__ d, float *__restrict__ table,
    int uses, int width, int tile)
{
    const int first = blockIdx.x * tile, end = min(first + tile, uses);
    for (int column = threadIdx.x; column < width; column += blockDim.x) {
        float padding = 0.0f;
        for (int use = first; use < end; use++) {
            const float value = d[use * width + column];
            const long long id = ids[use];
            if (id == 0)
                padding += value;
            else
                atomicAdd(&table[id * width + column], value);
        }
        if (padding != 0.0f)
            atomicAdd(&table[column], padding);
    }
}
