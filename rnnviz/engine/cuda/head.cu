// The dense head on the last states, its loss, and all gradients, in one launch. The source has the
// formulas of the losses in front of this text (see head_kernels.py).

// One warp computes one row: the logits, the loss, their gradient and that of the features. A block
// adds up what concerns all rows over its own ones, and the last block over the blocks, always in the
// same order.
extern "C" __global__ void __launch_bounds__(256)
head(
    int kind,
    const float *__restrict__ h_0,      // (B, H): the last states of the first direction
    const float *__restrict__ h_1,      // the same of the second direction, or null
    const float *__restrict__ mask,     // (B, F): dropout of the features, or null
    const float *__restrict__ W,        // (F, K)
    const float *__restrict__ b,        // (K)
    const float *__restrict__ y,        // (B)
    const float *__restrict__ weight,   // (B)
    float *__restrict__ d_features,     // (B, F)
    float *d_logits,                    // (B, K)
    float *partial,                     // (blocks, F·K + K + 2): W, b, the loss and the metric
    float *__restrict__ d_W,            // (F, K)
    float *__restrict__ d_b,            // (K)
    float *__restrict__ results,        // (steps, width): a row for each step, here loss and metric
    const float *__restrict__ state,    // see check_gradients
    unsigned *counter,
    int B, int H, int F, int K, int width)
{
    __shared__ float loss_of_row[8], metric_of_row[8];
    const int lane = threadIdx.x % 32, warp = threadIdx.x / 32, first = blockIdx.x * 8;
    const int row = first + warp;
    const unsigned ALL_LANES = 0xffffffffu;
    if (row < B) {
        float *d = d_logits + row * K;
        for (int k = 0; k < K; k++) {
            float logit = 0.0f;
            for (int f = lane; f < F; f += 32) {
                const float h = f < H ? h_0[row * H + f] : h_1[row * H + f - H];
                logit = fmaf(mask ? h * mask[row * F + f] : h, W[f * K + k], logit);
            }
            for (int other = 16; other > 0; other /= 2)
                logit += __shfl_xor_sync(ALL_LANES, logit, other);
            if (lane == 0)
                d[k] = logit + b[k];
        }
        __syncwarp();
        // The largest logit, and the first that is as large.
        float largest = -__int_as_float(0x7f800000), total = 0.0f;
        int best = K;
        for (int k = lane; k < K; k += 32)
            if (d[k] > largest) {
                largest = d[k];
                best = k;
            }
        for (int other = 16; other > 0; other /= 2) {
            const float its = __shfl_xor_sync(ALL_LANES, largest, other);
            const int place = __shfl_xor_sync(ALL_LANES, best, other);
            if (its > largest || (its == largest && place < best)) {
                largest = its;
                best = place;
            }
        }
        for (int k = lane; k < K; k += 32)
            total += expf(d[k] - largest);
        for (int other = 16; other > 0; other /= 2)
            total += __shfl_xor_sync(ALL_LANES, total, other);
        const float target = y[row], share = weight[row] / B;
        const bool classes = kind == SOFTMAX;
        const int right = classes ? int(target) : 0;
        const float logit = d[right], loss = loss_of(kind, logit, target, largest, total);
        __syncwarp();
        for (int k = lane; k < K; k += 32) {
            const float wanted = classes ? float(k == right) : target;
            d[k] = slope_of(kind, d[k], wanted, largest, total) * share;
        }
        if (lane == 0) {
            loss_of_row[warp] = loss * share;
            metric_of_row[warp] = kind == LINEAR ? loss
                : float(classes ? best == right : (logit > 0.0f) == (target > 0.5f));
        }
        __syncwarp();
        for (int f = lane; f < F; f += 32) {
            float sum = 0.0f;
            for (int k = 0; k < K; k++)
                sum = fmaf(d[k], W[f * K + k], sum);
            d_features[row * F + f] = mask ? sum * mask[row * F + f] : sum;
        }
    }
    __syncthreads();
    const int numbers = F * K + K + 2, end = min(first + 8, B);
    float *mine = partial + blockIdx.x * numbers;
    for (int n = threadIdx.x; n < numbers; n += blockDim.x) {
        float sum = 0.0f;
#pragma unroll 8
        for (int r = first; r < end; r++) {
            if (n < F * K) {
                const int f = n % F, k = n / F;
                const float h = f < H ? h_0[r * H + f] : h_1[r * H + f - H];
                sum = fmaf(mask ? h * mask[r * F + f] : h, d_logits[r * K + k], sum);
            } else if (n < F * K + K) {
                sum += d_logits[r * K + n - F * K];
            } else {
                sum += (n == F * K + K ? loss_of_row : metric_of_row)[r - first];
            }
        }
        mine[n] = sum;
    }
    if (!is_last_block(counter, gridDim.x))
        return;

    for (int n = threadIdx.x; n < numbers; n += blockDim.x) {
        float sum = 0.0f;
#pragma unroll 8
        for (int block = 0; block < gridDim.x; block++)
            sum += __ldcg(&partial[block * numbers + n]);
        if (n < F * K)
            d_W[n % F * K + n / F] = sum;
        else if (n < F * K + K)
            d_b[n - F * K] = sum;
        else
            results[int(state[STEP]) * width + n - F * K - K] = sum;
    }
}
