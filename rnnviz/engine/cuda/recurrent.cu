// A recurrent layer over all steps in one launch: one block reads one sequence in one direction.
//
// In front of this text stand the sizes of the layer. Lines that begin with //@ are where source.py
// puts what the cell computes for one unit at one step; it writes that from the cell's lines. Names
// of the lines are n_NAME here.
//
// Four neighbouring threads ("lanes") share a unit. A cell of three or four gates gives each lane
// one gate's product h_prev·U, a cell of one gate a quarter of its only one. A lane keeps its part
// of U in registers for the whole sequence; h_prev passes through shared memory, twice there, so
// that one barrier a step is enough: who still reads the old one has not passed the barrier.
//
// Sequences are independent, so no block ever waits for another. Time is the slow axis of every
// array: (T, B, ...); states have one step more, the one before the first token.

#define THREADS (4 * UNITS)
#define SPAN (UNITS / PARTS)          // numbers of h_prev that a lane multiplies
#define IN_SHARED (SPAN - REGISTERS)  // of its weights, those that do not fit its registers
// Steps whose numbers are asked for before they are needed; few where registers are.
#define AHEAD (REGISTERS == SPAN ? 4 : 1)
#define ALL 0xffffffffu

__device__ __forceinline__ float fast_tanh(float a) {
#if FAST_MATH
    // Near 0 the quotient would lose what it subtracts; there the series is exact enough.
    const float s = a * a, near = a * fmaf(s, fmaf(s, fmaf(s, -17.0f / 315, 2.0f / 15), -1.0f / 3), 1);
    const float far = 1.0f - __fdividef(2.0f, 1.0f + __expf(2.0f * a));
    return fabsf(a) < 0.25f ? near : far;
#else
    return tanhf(a);
#endif
}

__device__ __forceinline__ float step(float y) { return y > 0.0f ? 1.0f : 0.0f; }
//@ functions

// Σ of a lane's weights times the numbers it reads: v in shared memory, the first weights in
// registers, the others in shared memory, four steps of k for each thread side by side.
__device__ __forceinline__ float product(
    const float (&u)[REGISTERS], const float4 *more, const float *v, int thread)
{
    const float4 *v4 = reinterpret_cast<const float4 *>(v);
    float a = 0.0f, b = 0.0f, c = 0.0f, d = 0.0f;  // four sums: an addition waits for the one before
#pragma unroll
    for (int k = 0; k < REGISTERS / 4; k++) {
        const float4 x = v4[k];
        a = fmaf(x.x, u[4 * k], a);
        b = fmaf(x.y, u[4 * k + 1], b);
        c = fmaf(x.z, u[4 * k + 2], c);
        d = fmaf(x.w, u[4 * k + 3], d);
    }
#if IN_SHARED > 0
#pragma unroll 4
    for (int k = 0; k < IN_SHARED / 4; k++) {
        const float4 x = v4[REGISTERS / 4 + k];
        const float4 w = more[k * THREADS + thread];
        a = fmaf(x.x, w.x, a);
        b = fmaf(x.y, w.y, b);
        c = fmaf(x.z, w.z, c);
        d = fmaf(x.w, w.w, d);
    }
#endif
    return (a + b) + (c + d);
}

#if IN_SHARED > 0
extern __shared__ float4 weights_of_threads[];
#define MORE weights_of_threads
#else
#define MORE nullptr
#endif

__device__ __forceinline__ void keep_weight(float (&u)[REGISTERS], int k, int thread, float w)
{
#if IN_SHARED > 0
    if (k >= REGISTERS) {
        reinterpret_cast<float *>(weights_of_threads)
            [(((k - REGISTERS) / 4) * THREADS + thread) * 4 + (k - REGISTERS) % 4] = w;
        return;
    }
#endif
    u[k] = w;
}

// Reads (T, B, ·) at the n-th step of reading.
struct Place {
    int T, B, row, direction;
    bool backwards;

    __device__ __forceinline__ Place(int T, int B, int backwards)
        : T(T), B(B), row(blockIdx.x), direction(blockIdx.y),
          backwards((backwards >> blockIdx.y) & 1) {}
    __device__ __forceinline__ int token(int n) const { return backwards ? T - 1 - n : n; }
    // Rows of arrays that have one row a token and sequence, (directions, T, B).
    __device__ __forceinline__ int at(int n) const
    {
        return (direction * T + token(n)) * B + row;
    }
    // Rows of a state after the n-th step, (directions, STATES, T + 1, B); n = -1: before all.
    __device__ __forceinline__ int after(int state, int n) const
    {
        const int t = backwards ? T - 1 - n : n + 1;
        return ((direction * STATES + state) * (T + 1) + t) * B + row;
    }
};

extern "C" __global__ void __launch_bounds__(THREADS, 1)
forward(
    const float *__restrict__ xw,          // (directions, T, B, READING·H): x·W + b
    const float *__restrict__ U,           // (directions, H, RECURRENT·H)
    const float *__restrict__ bias,        // (directions, RECURRENT·H) of the recurrent product, or 0
    const float *__restrict__ vectors,     // (directions, VECTORS, H): other trained numbers of a unit
    const float *__restrict__ drop,        // (directions, GATES, B, H): dropout of h_prev, or 0
    const unsigned char *__restrict__ mask,  // (T, B), or 0
    const float *__restrict__ initial,     // (directions, STATES, B, H), or 0
    float *__restrict__ states,            // (directions, STATES, T + 1, B, H)
    float *__restrict__ saved,             // (directions, T, B, SAVED, H), or 0
    int T, int B, int backwards)
{
    __shared__ __align__(16) float h_shared[2][UNITS];

    const int thread = threadIdx.x, unit = thread >> 2, lane = thread & 3;
    const int gate = lane / PARTS, part = lane % PARTS, warp_unit = thread & 28;
    const bool there = H == UNITS || unit < H;  // units beyond H only fill the last warp
    const Place place(T, B, backwards);
    const int recurrent = RECURRENT_BLOCK(gate), reading = READING_BLOCK(gate);

    float u[REGISTERS];
#pragma unroll
    for (int k = 0; k < SPAN; k++) {
        const int from = part * SPAN + k;
        float w = 0.0f;
        if (there && from < H && recurrent >= 0) {
            w = U[(place.direction * H + from) * (RECURRENT * H) + recurrent * H + unit];
            if (drop)
                w *= drop[((place.direction * GATES + gate) * B + place.row) * H + from];
        }
        keep_weight(u, k, thread, w);
    }
    float b = 0.0f;
    if (bias && there && recurrent >= 0)
        b = bias[place.direction * (RECURRENT * H) + recurrent * H + unit];
    //@ vectors

    float before[STATES];
#pragma unroll
    for (int s = 0; s < STATES; s++) {
        before[s] = 0.0f;
        if (initial && there)
            before[s] = initial[((place.direction * STATES + s) * B + place.row) * H + unit];
        if (there && lane == s)
            states[place.after(s, -1) * H + unit] = before[s];
    }
    if (lane == 0)
        h_shared[0][unit] = before[0];
    // A gate's function is α·tanh(β·a) + γ: tanh, and σ, in one form for all lanes; or the sum itself.
    const float alpha = ALPHA(gate), beta = BETA(gate), gamma = GAMMA(gate);
    const bool bent = BENT(gate);

    float asked[AHEAD];
    bool reads[AHEAD];
#pragma unroll
    for (int j = 0; j < AHEAD; j++) {
        reads[j] = j < T && (!mask || mask[place.token(j) * B + place.row]);
        asked[j] = there && reading >= 0 && j < T
            ? xw[place.at(j) * (READING * H) + reading * H + unit] : 0.0f;
    }
    __syncthreads();

    int now = 0;
    for (int first = 0; first < T; first += AHEAD) {
#pragma unroll
        for (int j = 0; j < AHEAD; j++) {
            const int n = first + j;
            if (n >= T)
                break;
            const float read = asked[j];
            const bool counts = reads[j];
            if (n + AHEAD < T) {
                reads[j] = !mask || mask[place.token(n + AHEAD) * B + place.row];
                if (there && reading >= 0)
                    asked[j] = xw[place.at(n + AHEAD) * (READING * H) + reading * H + unit];
            }
            if (counts) {  // the same for the whole block
                float hu = product(u, MORE, h_shared[now] + part * SPAN, thread);
#pragma unroll
                for (int other = PARTS / 2; other > 0; other /= 2)
                    hu += __shfl_xor_sync(ALL, hu, other);
                hu += b;
                float own = APART(gate) ? hu : read + hu;
                if (bent)
                    own = alpha * fast_tanh(beta * own) + gamma;
                //@ forward
                if (there) {
                    //@ store states
                    if (saved) {
                        //@ store saved
                    }
                }
                if (lane == 0)
                    h_shared[now ^ 1][unit] = there ? before[0] : 0.0f;
                now ^= 1;
                __syncthreads();
            } else if (there) {
                // A masked step leaves every state as it was.
                //@ store states
            }
        }
    }
}

extern "C" __global__ void __launch_bounds__(THREADS, 1)
backward(
    const float *__restrict__ U,
    const float *__restrict__ vectors,
    const float *__restrict__ drop,
    const unsigned char *__restrict__ mask,
    const float *__restrict__ states,
    const float *__restrict__ saved,
    const float *__restrict__ d_outputs,   // (T, B, directions·H): of every output, or 0
    const float *__restrict__ d_last,      // (directions, STATES, B, H): of the last states, or 0
    float *__restrict__ d_xw,              // (directions, T, B, READING·H)
    float *__restrict__ d_hu,              // (directions, T, B, RECURRENT·H), or 0 where it is d_xw
    float *__restrict__ d_initial,         // (directions, STATES, B, H)
    int T, int B, int backwards)
{
    // Rows four floats apart from a multiple of 32: the lanes of a unit read from different banks.
    __shared__ __align__(16) float d_shared[2][GATES][UNITS + 4];

    const int thread = threadIdx.x, unit = thread >> 2, lane = thread & 3;
    const int gate = min(lane / PARTS, GATES - 1), part = lane % PARTS, warp_unit = thread & 28;
    const bool there = H == UNITS || unit < H, mine = lane / PARTS < GATES;
    const Place place(T, B, backwards);
    const int recurrent = RECURRENT_BLOCK(gate), reading = READING_BLOCK(gate);

    float u[REGISTERS];
#pragma unroll
    for (int k = 0; k < SPAN; k++) {
        const int to = part * SPAN + k;
        float w = 0.0f;
        if (there && mine && to < H && recurrent >= 0)
            w = U[(place.direction * H + unit) * (RECURRENT * H) + recurrent * H + to];
        if (drop && there && mine && recurrent >= 0)
            w *= drop[((place.direction * GATES + gate) * B + place.row) * H + unit];
        keep_weight(u, k, thread, w);
    }
    //@ vectors

    float carry[STATES];  // gradients of the states, as they come back from later steps
#pragma unroll
    for (int s = 0; s < STATES; s++)
        carry[s] = d_last && there
            ? d_last[((place.direction * STATES + s) * B + place.row) * H + unit] : 0.0f;

    const int outputs = gridDim.y * H;
    float after[STATES];  // the states after the step, where the body reads them
    float asked_state[STATES][AHEAD], asked_saved[ROUNDS][AHEAD], asked_out[AHEAD];
    bool reads[AHEAD];
    //@ states after all
#pragma unroll
    for (int j = 0; j < AHEAD; j++) {
        const int m = T - 1 - j;
        reads[j] = m >= 0 && (!mask || mask[place.token(m) * B + place.row]);
        asked_out[j] = 0.0f;
        //@ ask
    }

    int now = 0;
    for (int first = T - 1; first >= 0; first -= AHEAD) {
#pragma unroll
        for (int j = 0; j < AHEAD; j++) {
            const int n = first - j;
            if (n < 0)
                break;
            const float d_out = asked_out[j];
            //@ take
            const bool counts = reads[j];
            const int m = n - AHEAD;
            reads[j] = m >= 0 && (!mask || mask[place.token(m) * B + place.row]);
            //@ ask
            if (counts) {
                //@ backward
                // All that a lane hands on belongs to its own gate.
                const float to_input = D_XW(gate), to_state = D_HU(gate);
                if (there && mine && part == 0) {
                    if (reading >= 0)
                        d_xw[place.at(n) * (READING * H) + reading * H + unit] = to_input;
                    if (d_hu && recurrent >= 0)
                        d_hu[place.at(n) * (RECURRENT * H) + recurrent * H + unit] = to_state;
                }
                if (mine && part == 0)
                    d_shared[now][gate][unit] = there ? to_state : 0.0f;
                __syncthreads();
                float through = product(u, MORE, d_shared[now][gate] + part * SPAN, thread);
                through += __shfl_xor_sync(ALL, through, 1);
                through += __shfl_xor_sync(ALL, through, 2);
                now ^= 1;
                //@ carry on
            } else {
                // Everything goes around a masked step.
                if (there && mine && part == 0) {
                    if (reading >= 0)
                        d_xw[place.at(n) * (READING * H) + reading * H + unit] = 0.0f;
                    if (d_hu && recurrent >= 0)
                        d_hu[place.at(n) * (RECURRENT * H) + recurrent * H + unit] = 0.0f;
                }
                carry[0] += d_out;
            }
            //@ one step back
        }
    }
#pragma unroll
    for (int s = 0; s < STATES; s++)
        if (there && lane == s)
            d_initial[((place.direction * STATES + s) * B + place.row) * H + unit] = carry[s];
}
