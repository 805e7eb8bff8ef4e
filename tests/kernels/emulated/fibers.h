// Runs the threads of a block as fibers of one CPU thread, each from one barrier or shuffle to the
// next, in an order that the caller chooses. A correct kernel is correct in every order.
#pragma once
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#if !defined(__x86_64__)
#include <ucontext.h>
#endif

struct uint3 {
  unsigned x, y, z;
};
static uint3 threadIdx, blockIdx, blockDim, gridDim;
constexpr int warpSize = 32;

namespace emulated {

enum Schedule : int { round_robin, reversed, warp_greedy, random_order };

// The arguments of a launch; emulated/kernel.py has the same fields.
struct Launch {
  uint32_t grid[3], block[3];
  uint32_t shared_bytes, schedule;
  uint64_t seed, stack_bytes;
  char *stacks;
  uint32_t seconds;
};

#if defined(__x86_64__)
// swapcontext() makes a system call for the signal mask each time: an LSTM kernel takes five times as
// long with it. Only registers that the calling convention preserves need saving here.
struct Context {
  void *stack;
};
extern "C" void emulated_switch(Context *from, Context *to);
asm(R"(
.text
.local emulated_switch
.type emulated_switch, @function
emulated_switch:
  push %rbp; push %rbx; push %r12; push %r13; push %r14; push %r15
  mov %rsp, (%rdi)
  mov (%rsi), %rsp
  pop %r15; pop %r14; pop %r13; pop %r12; pop %rbx; pop %rbp
  ret
.size emulated_switch, .-emulated_switch
)");
static void prepare(Context *context, char *stack, size_t bytes, void (*entry)()) {
  void **top = reinterpret_cast<void **>(stack + bytes);
  *--top = nullptr; // the return address of entry, which never returns
  *--top = reinterpret_cast<void *>(entry);
  context->stack = top - 6;
}
#else
struct Context {
  ucontext_t saved;
};
static void emulated_switch(Context *from, Context *to) { swapcontext(&from->saved, &to->saved); }
static void prepare(Context *context, char *stack, size_t bytes, void (*entry)()) {
  getcontext(&context->saved);
  context->saved.uc_stack.ss_sp = stack;
  context->saved.uc_stack.ss_size = bytes;
  context->saved.uc_link = nullptr;
  makecontext(&context->saved, entry, 0);
}
#endif

enum State : int { ready, at_barrier, at_warp, finished };
struct Thread {
  Context context;
  uint3 index;
  State state;
  const char *waits_at; // the barrier or shuffle, its line and (of a shuffle) its mask
  int line;
  unsigned mask;
  int source; // the lane whose value is read, -1 for the votes of all
  uint64_t value, result;
};

static Thread threads[1024];
static Thread *here; // the running thread, null while the scheduler runs
static int thread_count, waiting, unfinished;
static Context scheduler;
static const Launch *launch;
static void (*body)(void **);
static void **arguments;
static char message[1024];
static bool failed;

static void barrier_released();      // for race detection
static void warp_released(unsigned); // for race detection, with the lanes that met

static void fail_at(const Thread *thread, int line, const char *format, ...) {
  if (failed) return;
  failed = true;
  int used = snprintf(message, sizeof message, "block (%u, %u, %u)", blockIdx.x, blockIdx.y, blockIdx.z);
  const uint3 at = thread ? thread->index : uint3{};
  if (thread)
    used += snprintf(message + used, sizeof message - used, ", thread (%u, %u, %u)", at.x, at.y, at.z);
  if (line) used += snprintf(message + used, sizeof message - used, ", line %d", line);
  used += snprintf(message + used, sizeof message - used, ": ");
  va_list values;
  va_start(values, format);
  vsnprintf(message + used, sizeof message - used, format, values);
  va_end(values);
}

static void leave() {
  Thread *mine = here;
  here = nullptr;
  emulated_switch(&mine->context, &scheduler);
}

// For errors found while a thread runs: the thread is never resumed.
template <class... Values> [[noreturn]] void fail(int line, const char *format, Values... values) {
  fail_at(here, line, format, values...);
  leave();
  __builtin_unreachable();
}

static void run_thread() {
  body(arguments);
  here->state = finished;
  --unfinished;
  leave();
  __builtin_unreachable();
}

static void wait(State state, const char *name, int line, unsigned mask) {
  here->state = state;
  here->waits_at = name;
  here->line = line;
  here->mask = mask;
}

static void barrier(int line) {
  wait(at_barrier, "__syncthreads()", line, 0);
  if (++waiting == thread_count) {
    for (int i = 0; i < thread_count; ++i) {
      if (threads[i].line != line)
        fail(line, "this __syncthreads() met another one, at line %d", threads[i].line);
      threads[i].state = ready;
    }
    waiting = 0;
    barrier_released();
  }
  leave();
}

static int lane_of(const Thread *thread) { return int(thread - threads) % warpSize; }
static Thread *warp_of(const Thread *thread) { return threads + (thread - threads) / warpSize * warpSize; }

static bool has_met(const Thread *mine, int lane) {
  const Thread *other = warp_of(mine) + lane;
  return other < threads + thread_count && other->state == at_warp && other->mask == mine->mask &&
         other->line == mine->line && !strcmp(other->waits_at, mine->waits_at);
}

static void release_warp(unsigned mask, int line) {
  Thread *warp = warp_of(here);
  uint64_t votes = 0;
  for (int lane = 0; lane < warpSize; ++lane)
    if (mask >> lane & 1) votes |= uint64_t(warp[lane].value != 0) << lane;
  for (int lane = 0; lane < warpSize; ++lane) {
    if (!(mask >> lane & 1)) continue;
    const int source = warp[lane].source;
    if (source >= 0 && !(mask >> source & 1))
      fail(line, "%s: lane %d reads lane %d, which is not in the mask %08x", warp[lane].waits_at, lane,
           source, mask);
    warp[lane].result = source < 0 ? votes : warp[source].value;
    warp[lane].state = ready;
  }
  warp_released(mask);
}

// Waits for all lanes of a mask. Returns the value of lane `source`, or all votes if it is -1.
static uint64_t meet(const char *name, unsigned mask, uint64_t value, int source, int line) {
  if (!(mask >> lane_of(here) & 1))
    fail(line, "%s: lane %d is not in its own mask %08x", name, lane_of(here), mask);
  wait(at_warp, name, line, mask);
  here->value = value;
  here->source = source;
  for (int lane = warpSize - 1; lane >= 0; --lane)
    if (mask >> lane & 1 && !has_met(here, lane)) {
      leave();
      return here->result;
    }
  release_warp(mask, line);
  leave();
  return here->result;
}

static void describe_wait(const Thread *thread, char *text, size_t size) {
  if (thread->state == finished)
    snprintf(text, size, "has returned");
  else if (thread->state == at_warp)
    snprintf(text, size, "waits at %s with mask %08x (line %d)", thread->waits_at, thread->mask, thread->line);
  else
    snprintf(text, size, "waits at %s (line %d)", thread->waits_at, thread->line);
}

// A deadlock: reports one waiting thread and one that it waits for.
static void describe_deadlock() {
  const Thread *one = threads;
  while (one->state == finished) ++one;
  const Thread *other = nullptr;
  if (one->state == at_barrier) {
    for (other = threads; other->state == at_barrier;) ++other;
  } else {
    int lane = 0;
    while (!(one->mask >> lane & 1) || has_met(one, lane)) ++lane;
    other = warp_of(one) + lane;
    if (other >= threads + thread_count) {
      fail_at(one, one->line, "%s waits for lane %d, but the block ends before it", one->waits_at, lane);
      return;
    }
  }
  char text[200];
  describe_wait(other, text, sizeof text);
  fail_at(one, one->line, "%s waits for thread (%u, %u, %u), which %s", one->waits_at, other->index.x,
          other->index.y, other->index.z, text);
}

static bool resume(int i) {
  if (failed || threads[i].state != ready) return false;
  here = &threads[i];
  threadIdx = here->index;
  emulated_switch(&scheduler, &threads[i].context);
  return true;
}

static uint64_t random_state;
static bool sleeps[1024 / warpSize];
static unsigned random_below(unsigned n) { // splitmix64: the same order on every machine
  uint64_t z = random_state += 0x9e3779b97f4a7c15u;
  z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
  z = (z ^ z >> 27) * 0x94d049bb133111ebu;
  return unsigned((z ^ z >> 31) % n);
}

static int random_pass() {
  static int order[1024];
  // Whole warps pause for a while, so that warps get far apart.
  for (bool &one : sleeps) one = random_below(8) ? one : !one;
  for (int i = 0; i < thread_count; ++i) {
    const int j = int(random_below(unsigned(i + 1)));
    order[i] = order[j];
    order[j] = i;
  }
  int ran = 0;
  for (int turn = 0; turn < 2 && !ran; ++turn) // the second turn also runs paused warps
    for (int i = 0; i < thread_count; ++i)
      if (turn || !sleeps[order[i] / warpSize]) ran += resume(order[i]);
  return ran;
}

static int greedy_pass() {
  int ran = 0;
  for (int warp = 0; warp < thread_count; warp += warpSize)
    for (int before = -1; before != ran;) {
      before = ran;
      for (int i = warp; i < warp + warpSize && i < thread_count; ++i) ran += resume(i);
    }
  return ran;
}

static int pass() {
  if (launch->schedule == random_order) return random_pass();
  if (launch->schedule == warp_greedy) return greedy_pass();
  int ran = 0;
  for (int i = 0; i < thread_count; ++i)
    ran += resume(launch->schedule == reversed ? thread_count - 1 - i : i);
  return ran;
}

static void run_block() {
  waiting = 0;
  unfinished = thread_count;
  for (int i = 0; i < thread_count; ++i) {
    threads[i].state = ready;
    const unsigned n = unsigned(i), x = blockDim.x, y = blockDim.y;
    threads[i].index = {n % x, n / x % y, n / (x * y)};
    prepare(&threads[i].context, launch->stacks + i * launch->stack_bytes, launch->stack_bytes, run_thread);
  }
  while (unfinished && !failed)
    if (!pass() && !failed) describe_deadlock();
}

} // namespace emulated
