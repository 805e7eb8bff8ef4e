// CUDA's names for g++: a kernel's source compiles unchanged after this header and launch.h. Needs
// -fno-strict-aliasing, because kernels read float arrays as float4.
#pragma once
#include "fibers.h"
#include <math.h>

#define __global__
#define __device__
#define __host__
#define __forceinline__ inline __attribute__((always_inline))
#define __noinline__ __attribute__((noinline))
#define __launch_bounds__(...)
#define __align__(bytes) __attribute__((aligned(bytes)))
#define __constant__ static
// Both `__shared__ float a[8]` and `extern __shared__ float b[]` must be declarations, which only
// thread_local makes them; it also puts all shared memory into one segment.
#define __shared__ thread_local

struct alignas(8) float2 { float x, y; };
struct float3 { float x, y, z; };
struct alignas(16) float4 { float x, y, z, w; };
struct alignas(16) double2 { double x, y; };
struct alignas(8) int2 { int x, y; };
struct alignas(16) int4 { int x, y, z, w; };
struct alignas(8) uint2 { unsigned x, y; };
struct alignas(16) uint4 { unsigned x, y, z, w; };
inline float2 make_float2(float x, float y) { return {x, y}; }
inline float3 make_float3(float x, float y, float z) { return {x, y, z}; }
inline float4 make_float4(float x, float y, float z, float w) { return {x, y, z, w}; }
inline double2 make_double2(double x, double y) { return {x, y}; }
inline int2 make_int2(int x, int y) { return {x, y}; }
inline int4 make_int4(int x, int y, int z, int w) { return {x, y, z, w}; }
inline uint2 make_uint2(unsigned x, unsigned y) { return {x, y}; }
inline uint4 make_uint4(unsigned x, unsigned y, unsigned z, unsigned w) { return {x, y, z, w}; }

namespace emulated {
template <class T> uint64_t bits_of(T value) {
  static_assert(sizeof(T) <= 8, "a shuffle moves at most 8 bytes");
  uint64_t bits = 0;
  memcpy(&bits, &value, sizeof value);
  return bits;
}
template <class T> T shuffle(const char *name, unsigned mask, T value, int source, int line) {
  const uint64_t bits = meet(name, mask, bits_of(value), source, line);
  T result;
  memcpy(&result, &bits, sizeof result);
  return result;
}
// For all shuffles: a lane outside the section of `width` lanes means the caller's own lane.
inline int within(int lane, int width) {
  const int mine = lane_of(here);
  return lane / width == mine / width && lane >= 0 ? lane : mine;
}
// Race detection must see an atomic operation as one access (see races.h).
static void note_atomic(const volatile void *address, void *code);
static void fence();
template <class T, class Change>
__attribute__((noinline, no_sanitize("thread"))) T atomic(T *address, Change change) {
  note_atomic(address, __builtin_return_address(0));
  const T before = *address;
  *address = change(before);
  return before;
}
} // namespace emulated

inline void __syncthreads(int line = __builtin_LINE()) { emulated::barrier(line); }
inline void __syncwarp(unsigned mask = 0xffffffff, int line = __builtin_LINE()) {
  emulated::meet("__syncwarp()", mask, 0, -1, line);
}
template <class T>
T __shfl_sync(unsigned mask, T value, int lane, int width = 32, int line = __builtin_LINE()) {
  const int first = emulated::lane_of(emulated::here) / width * width;
  return emulated::shuffle("__shfl_sync()", mask, value, first + (lane & (width - 1)), line);
}
template <class T>
T __shfl_xor_sync(unsigned mask, T value, int bits, int width = 32, int line = __builtin_LINE()) {
  const int mine = emulated::lane_of(emulated::here), lane = mine ^ bits;
  // Unlike the others, it may read from an earlier section.
  const int source = lane / width <= mine / width ? lane : mine;
  return emulated::shuffle("__shfl_xor_sync()", mask, value, source, line);
}
template <class T>
T __shfl_down_sync(unsigned mask, T value, unsigned by, int width = 32, int line = __builtin_LINE()) {
  const int source = emulated::within(emulated::lane_of(emulated::here) + int(by), width);
  return emulated::shuffle("__shfl_down_sync()", mask, value, source, line);
}
template <class T>
T __shfl_up_sync(unsigned mask, T value, unsigned by, int width = 32, int line = __builtin_LINE()) {
  const int source = emulated::within(emulated::lane_of(emulated::here) - int(by), width);
  return emulated::shuffle("__shfl_up_sync()", mask, value, source, line);
}
inline unsigned __ballot_sync(unsigned mask, int vote, int line = __builtin_LINE()) {
  return unsigned(emulated::meet("__ballot_sync()", mask, uint64_t(vote != 0), -1, line));
}
inline int __any_sync(unsigned mask, int vote, int line = __builtin_LINE()) {
  return emulated::meet("__any_sync()", mask, uint64_t(vote != 0), -1, line) != 0;
}
inline int __all_sync(unsigned mask, int vote, int line = __builtin_LINE()) {
  return emulated::meet("__all_sync()", mask, uint64_t(vote != 0), -1, line) == mask;
}
inline void __threadfence() { emulated::fence(); }
inline void __threadfence_block() {}

template <class T> __forceinline__ T atomicAdd(T *address, T value) {
  return emulated::atomic(address, [=](T before) { return before + value; });
}
template <class T> __forceinline__ T atomicMax(T *address, T value) {
  return emulated::atomic(address, [=](T before) { return before > value ? before : value; });
}
template <class T> __forceinline__ T atomicExch(T *address, T value) {
  return emulated::atomic(address, [=](T) { return value; });
}

template <class T> T __ldg(const T *address) { return *address; }
template <class T> T __ldcs(const T *address) { return *address; }
template <class T> T __ldcg(const T *address) { return *address; }
template <class T> void __stcs(T *address, T value) { *address = value; }
template <class T> void __stcg(T *address, T value) { *address = value; }

namespace emulated {
// On a GPU the quotient is 0 for divisors from 2^126 to 2^128, and x / infinity is exact.
inline float fast_quotient(float x, float y) {
  if (fabsf(y) > 0x1p126f) return isinf(x) ? NAN : copysignf(0.0f, x * y);
  return x / y;
}
} // namespace emulated
// Macros, because the C library reserves functions of these names.
#define __expf(x) expf(x)
#define __logf(x) logf(x)
#define __tanhf(x) tanhf(x)
#define __fdividef(x, y) emulated::fast_quotient(x, y)
#define __frcp_rn(x) (1.0f / (x))
#define __fsqrt_rn(x) sqrtf(x)
#define __fmaf_rn(x, y, z) fmaf(x, y, z)
#define __saturatef(x) fminf(fmaxf(x, 0.0f), 1.0f)
inline float rsqrtf(float x) { return 1.0f / sqrtf(x); }
inline int __float_as_int(float x) { return int(emulated::bits_of(x)); }
inline unsigned __float_as_uint(float x) { return unsigned(emulated::bits_of(x)); }
inline float __int_as_float(int bits) {
  float x;
  memcpy(&x, &bits, sizeof x);
  return x;
}
inline int __popc(unsigned bits) { return __builtin_popcount(bits); }
inline int __ffs(int bits) { return __builtin_ffs(bits); }
template <class T> T min(T a, T b) { return b < a ? b : a; }
template <class T> T max(T a, T b) { return a < b ? b : a; }
inline float min(float a, float b) { return fminf(a, b); }
inline float max(float a, float b) { return fmaxf(a, b); }

#undef assert
#define assert(holds) ((holds) ? void() : emulated::fail(__LINE__, "assertion failed: %s", #holds))
