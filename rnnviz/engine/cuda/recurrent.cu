// A recurrent layer over all steps in one launch: a block of threads computes one sequence in one
// direction.
//
// The generated source defines the sizes of the layer in front of this text, and replaces the lines
// that begin with //@ (see source.py) by what the cell computes for one unit at one step. A value
// NAME of the cell's lines is the variable n_NAME.
//
// Four adjacent threads ("lanes") share a unit. With three or four gates each lane computes one
// gate's h_prev·U, with two gates two lanes share each, with one gate each lane computes a quarter.
// A lane keeps its part of U in registers for the whole sequence. h_prev is in shared memory, in two
// buffers, so that one barrier a step suffices: threads that still read the old buffer have not
// passed the barrier.
//
// Sequences are independent, so blocks do not synchronize. Time is the slowest axis of every array:
// (T, B, ...). States have one step more, the initial states.

#define THREADS (4 * UNITS)
#define LANE_WEIGHTS (UNITS / PARTS)  // numbers of h_prev that a lane multiplies
#define SHARED_MEMORY_WEIGHTS (LANE_WEIGHTS - REGISTER_WEIGHTS)  // those that do not fit registers
// Steps that are loaded ahead; fewer where all registers are in use.
#define PREFETCH (REGISTER_WEIGHTS == LANE_WEIGHTS ? 4 : 1)
#define ALL 0xffffffffu

// The dot product of a lane's weights and v, in shared memory. The first weights are in registers,
// the others in shared memory: for each four values of k, float4s of all threads side by side.
__device__ __forceinline__ float product(
    const float (&u)[REGISTER_WEIGHTS], const float4 *shared, const float *v, int thread)
{
    const float4 *v4 = reinterpret_cast<const float4 *>(v);
    float a = 0.0f, b = 0.0f, c = 0.0f, d = 0.0f;  // four independent chains of additions
#pragma unroll
    for (int k = 0; k < REGISTER_WEIGHTS / 4; k++) {
        const float4 x = v4[k];
        a = fmaf(x.x, u[4 * k], a);
        b = fmaf(x.y, u[4 * k + 1], b);
        c = fmaf(x.z, u[4 * k + 2], c);
        d = fmaf(x.w, u[4 * k + 3], d);
    }
#if SHARED_MEMORY_WEIGHTS > 0
#pragma unroll 4
    for (int k = 0; k < SHARED_MEMORY_WEIGHTS / 4; k++) {
        const float4 x = v4[REGISTER_WEIGHTS / 4 + k];
        const float4 w = shared[k * THREADS + thread];
        a = fmaf(x.x, w.x, a);
        b = fmaf(x.y, w.y, b);
        c = fmaf(x.z, w.z, c);
        d = fmaf(x.w, w.w, d);
    }
#endif
    return (a + b) + (c + d);
}

#if SHARED_MEMORY_WEIGHTS > 0
extern __shared__ float4 shared_weights[];
#define SHARED_WEIGHTS shared_weights
#else
#define SHARED_WEIGHTS nullptr
#endif

__device__ __forceinline__ void set_weight(float (&u)[REGISTER_WEIGHTS], int k, int thread, float w)
{
#if SHARED_MEMORY_WEIGHTS > 0
    if (k >= REGISTER_WEIGHTS) {
        reinterpret_cast<float *>(shared_weights)
            [(((k - REGISTER_WEIGHTS) / 4) * THREADS + thread) * 4 + (k - REGISTER_WEIGHTS) % 4] = w;
        return;
    }
#endif
    u[k] = w;
}

// The rows of arrays at the n-th step in the order of reading.
struct Position {
    int T, B, row, direction;
    bool reverse;

    __device__ __forceinline__ Position(int T, int B, int reverse)
        : T(T), B(B), row(blockIdx.x), direction(blockIdx.y),
          reverse((reverse >> blockIdx.y) & 1) {}
    __device__ __forceinline__ int token(int n) const { return reverse ? T - 1 - n : n; }
    // The row of an array (directions, T, B, ·).
    __device__ __forceinline__ int at(int n) const
    {
        return (direction * T + token(n)) * B + row;
    }
    // The row of a state after the n-th step, (directions, STATES, T + 1, B, ·); n = -1: initial.
    __device__ __forceinline__ int after(int state, int n) const
    {
        const int t = reverse ? T - 1 - n : n + 1;
        return ((direction * STATES + state) * (T + 1) + t) * B + row;
    }
};

extern "C" __global__ void __launch_bounds__(THREADS, 1)
forward(
    const float *__restrict__ xw,          // (directions, T, B, W_BLOCKS·H): x·W + b
    const float *__restrict__ U_0,         // (H, U_BLOCKS·H) of the first direction
    const float *__restrict__ U_1,         // the same of the second direction
    const float *__restrict__ bias_0,      // (U_BLOCKS·H) of h_prev·U, or null
    const float *__restrict__ bias_1,
    const float *__restrict__ vectors,     // (directions, VECTORS, H): further trained vectors
    const float *__restrict__ h_mask_0,    // (GATES, B, H): dropout of h_prev, or null
    const float *__restrict__ h_mask_1,
    const unsigned char *__restrict__ mask,  // (T, B), or null
    const float *__restrict__ initial,     // (directions, STATES, B, H), or null
    float *__restrict__ states,            // (directions, STATES, T + 1, B, H)
    float *__restrict__ saved,             // (directions, T, B, SAVED, H), or null
    int T, int B, int reverse)
{
    __shared__ __align__(16) float h_shared[2][UNITS];

    const int thread = threadIdx.x, unit = thread >> 2, lane = thread & 3;
    const int gate = lane / PARTS, part = lane % PARTS, first_lane = thread & 28;
    const bool is_unit = H == UNITS || unit < H;  // units from H on only fill the last warp
    const Position position(T, B, reverse);
    const int u_block = U_BLOCK(gate), w_block = W_BLOCK(gate);
    const float *__restrict__ U = blockIdx.y ? U_1 : U_0;
    const float *__restrict__ h_mask = blockIdx.y ? h_mask_1 : h_mask_0;

    float u[REGISTER_WEIGHTS];
#pragma unroll
    for (int k = 0; k < LANE_WEIGHTS; k++) {
        const int from = part * LANE_WEIGHTS + k;
        float w = 0.0f;
        if (is_unit && from < H && u_block >= 0) {
            w = U[from * (U_BLOCKS * H) + u_block * H + unit];
            if (h_mask)
                w *= h_mask[(gate * B + position.row) * H + from];
        }
        set_weight(u, k, thread, w);
    }
    const float *__restrict__ bias = blockIdx.y ? bias_1 : bias_0;
    float b = 0.0f;
    if (bias && is_unit && u_block >= 0)
        b = bias[u_block * H + unit];
    //@ vectors

    float state[STATES];
#pragma unroll
    for (int s = 0; s < STATES; s++) {
        state[s] = 0.0f;
        if (initial && is_unit)
            state[s] = initial[((position.direction * STATES + s) * B + position.row) * H + unit];
        if (is_unit && lane == s)
            states[position.after(s, -1) * H + unit] = state[s];
    }
    if (lane == 0)
        h_shared[0][unit] = state[0];
    // A gate is α·tanh(β·a) + γ, as tanh and σ are, so that lanes do not diverge; or the sum itself.
    const float alpha = ALPHA(gate), beta = BETA(gate), gamma = GAMMA(gate);
    const bool has_tanh = HAS_TANH(gate);

    float next_xw[PREFETCH];
    bool next_unmasked[PREFETCH];
#pragma unroll
    for (int j = 0; j < PREFETCH; j++) {
        next_unmasked[j] = j < T && (!mask || mask[position.token(j) * B + position.row]);
        next_xw[j] = is_unit && w_block >= 0 && j < T
            ? xw[position.at(j) * (W_BLOCKS * H) + w_block * H + unit] : 0.0f;
    }
    __syncthreads();

    int buffer = 0;
    for (int first = 0; first < T; first += PREFETCH) {
#pragma unroll
        for (int j = 0; j < PREFETCH; j++) {
            const int n = first + j;
            if (n >= T)
                break;
            const float xw_gate = next_xw[j];
            const bool unmasked = next_unmasked[j];
            if (n + PREFETCH < T) {
                next_unmasked[j] = !mask || mask[position.token(n + PREFETCH) * B + position.row];
                if (is_unit && w_block >= 0)
                    next_xw[j] = xw[position.at(n + PREFETCH) * (W_BLOCKS * H) + w_block * H + unit];
            }
            if (unmasked) {  // the same for the whole block
                float hu = product(u, SHARED_WEIGHTS, h_shared[buffer] + part * LANE_WEIGHTS, thread);
#pragma unroll
                for (int other = PARTS / 2; other > 0; other /= 2)
                    hu += __shfl_xor_sync(ALL, hu, other);
                hu += b;
                float gate_value = SEPARATE_PRODUCTS(gate) ? hu : xw_gate + hu;
                if (has_tanh)
                    gate_value = alpha * fast_tanh(beta * gate_value) + gamma;
                //@ forward
                if (is_unit) {
                    //@ store states
                    if (saved) {
                        //@ store saved
                    }
                }
                if (lane == 0)
                    h_shared[buffer ^ 1][unit] = is_unit ? state[0] : 0.0f;
                buffer ^= 1;
                __syncthreads();
            } else if (is_unit) {
                // A masked step keeps the states.
                //@ store states
            }
        }
    }
}

extern "C" __global__ void __launch_bounds__(THREADS, 1)
backward(
    const float *__restrict__ U_0,
    const float *__restrict__ U_1,
    const float *__restrict__ vectors,
    const float *__restrict__ h_mask_0,
    const float *__restrict__ h_mask_1,
    const unsigned char *__restrict__ mask,
    const float *__restrict__ states,
    const float *__restrict__ saved,
    const float *__restrict__ d_outputs,   // (T, B, directions·H): of every output, or null
    const float *__restrict__ d_last,      // (B, directions·H): of the last h, or null
    float *__restrict__ d_xw,              // (directions, T, B, W_BLOCKS·H)
    float *__restrict__ d_hu,              // (directions, T, B, U_BLOCKS·H), or null if it is d_xw
    float *__restrict__ d_initial,         // (directions, STATES, B, H)
    int T, int B, int reverse)
{
    // Rows are four floats longer, so that the lanes of a unit read from different banks.
    __shared__ __align__(16) float d_shared[2][GATES][UNITS + 4];

    const int thread = threadIdx.x, unit = thread >> 2, lane = thread & 3;
    const int gate = min(lane / PARTS, GATES - 1), part = lane % PARTS, first_lane = thread & 28;
    const bool is_unit = H == UNITS || unit < H, has_gate = lane / PARTS < GATES;
    const Position position(T, B, reverse);
    const int u_block = U_BLOCK(gate), w_block = W_BLOCK(gate);
    const float *__restrict__ U = blockIdx.y ? U_1 : U_0;
    const float *__restrict__ h_mask = blockIdx.y ? h_mask_1 : h_mask_0;

    float u[REGISTER_WEIGHTS];
#pragma unroll
    for (int k = 0; k < LANE_WEIGHTS; k++) {
        const int to = part * LANE_WEIGHTS + k;
        float w = 0.0f;
        if (is_unit && has_gate && to < H && u_block >= 0)
            w = U[unit * (U_BLOCKS * H) + u_block * H + to];
        if (h_mask && is_unit && has_gate && u_block >= 0)
            w *= h_mask[(gate * B + position.row) * H + unit];
        set_weight(u, k, thread, w);
    }
    //@ vectors

    const int output_width = gridDim.y * H;
    float d_state[STATES] = {};  // gradients of the states after the step
    if (d_last && is_unit)
        d_state[0] = d_last[position.row * output_width + position.direction * H + unit];
    float after[STATES];  // the states after the step, if the body reads them
    float next_state[STATES][PREFETCH], next_saved[SAVED_LOADS][PREFETCH], next_d_output[PREFETCH];
    bool next_unmasked[PREFETCH];
    //@ load last states
#pragma unroll
    for (int j = 0; j < PREFETCH; j++) {
        const int m = T - 1 - j;
        next_unmasked[j] = m >= 0 && (!mask || mask[position.token(m) * B + position.row]);
        next_d_output[j] = 0.0f;
        //@ load next
    }

    int buffer = 0;
    for (int first = T - 1; first >= 0; first -= PREFETCH) {
#pragma unroll
        for (int j = 0; j < PREFETCH; j++) {
            const int n = first - j;
            if (n < 0)
                break;
            const float d_output = next_d_output[j];
            //@ read next
            const bool unmasked = next_unmasked[j];
            const int m = n - PREFETCH;
            next_unmasked[j] = m >= 0 && (!mask || mask[position.token(m) * B + position.row]);
            //@ load next
            if (unmasked) {
                //@ backward
                // Each lane writes the gradients of its own gate.
                const float d_xw_gate = D_XW(gate), d_hu_gate = D_HU(gate);
                if (is_unit && has_gate && part == 0) {
                    if (w_block >= 0)
                        d_xw[position.at(n) * (W_BLOCKS * H) + w_block * H + unit] = d_xw_gate;
                    if (d_hu && u_block >= 0)
                        d_hu[position.at(n) * (U_BLOCKS * H) + u_block * H + unit] = d_hu_gate;
                }
                if (has_gate && part == 0)
                    d_shared[buffer][gate][unit] = is_unit ? d_hu_gate : 0.0f;
                __syncthreads();
                float d_h_through_u =
                    product(u, SHARED_WEIGHTS, d_shared[buffer][gate] + part * LANE_WEIGHTS, thread);
                d_h_through_u += __shfl_xor_sync(ALL, d_h_through_u, 1);
                d_h_through_u += __shfl_xor_sync(ALL, d_h_through_u, 2);
                buffer ^= 1;
                //@ update d_state
            } else {
                // A masked step passes the gradients of the states on.
                if (is_unit && has_gate && part == 0) {
                    if (w_block >= 0)
                        d_xw[position.at(n) * (W_BLOCKS * H) + w_block * H + unit] = 0.0f;
                    if (d_hu && u_block >= 0)
                        d_hu[position.at(n) * (U_BLOCKS * H) + u_block * H + unit] = 0.0f;
                }
                d_state[0] += d_output;
            }
            //@ step back
        }
    }
#pragma unroll
    for (int s = 0; s < STATES; s++)
        if (is_unit && lane == s)
            d_initial[((position.direction * STATES + s) * B + position.row) * H + unit] = d_state[s];
}
