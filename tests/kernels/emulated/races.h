// Race detection. g++ -fsanitize=thread inserts a call before every memory access; linked without its
// library, those calls are the functions below. For each 4-byte word the threads that read and wrote
// it since the last barrier are recorded, and the blocks that ever did. A shuffle does not order
// memory, as CUDA specifies; __syncwarp() does, between the lanes of its mask. Blocks are ordered by an
// atomic operation on the same number, with __threadfence() between a barrier and the operation in the
// block that wrote, and between the operation and a barrier in the block that reads.
#pragma once
#include <unordered_map>
#include <vector>

namespace emulated {

struct Access {
  int thread;
  uint32_t epoch;
  void *code;
  bool atomic;
};
struct Word {
  uint64_t interval = 0;
  std::vector<Access> reads, writes;
  int64_t reading_block = -1, writing_block = -1;
  uint64_t read_interval = 0, write_interval = 0; // of the block's last access
  Access block_read = {}, block_write = {};
};

static std::unordered_map<uintptr_t, Word> words;
static uint64_t interval; // counts barriers, over all blocks of a launch
static uint32_t epochs[1024], seen[1024][warpSize];
static bool watching; // the containers' own accesses are instrumented, too

// By block, the interval before which its accesses are known.
using Known = std::unordered_map<int64_t, uint64_t>;
static std::unordered_map<uintptr_t, Known> announced; // by the word of an atomic operation
static Known seen_by[1024], fenced_by, known; // after a thread's operation; its fence; a barrier
static uint64_t fenced_in[1024]; // the interval of a thread's last fence

static void learn(Known &known, const Known &more) {
  for (const auto &[block, before] : more)
    if (known[block] < before) known[block] = before;
}
static int64_t this_block() {
  return blockIdx.x + int64_t(gridDim.x) * (blockIdx.y + int64_t(gridDim.y) * blockIdx.z);
}
static void grid_begins() {
  words.clear();
  announced.clear();
}
static void block_begins() {
  ++interval;
  known.clear();
  fenced_by.clear();
  for (Known &one : seen_by) one.clear();
  memset(seen, 0, sizeof seen);
  for (uint32_t &one : epochs) one = 1; // later than any access that a lane has synchronized with
}
static void barrier_released() {
  ++interval;
  watching = true;
  learn(known, fenced_by);
  watching = false;
}
static void fence() {
  if (!here || watching) return;
  watching = true;
  const int thread = int(here - threads);
  fenced_in[thread] = interval;
  learn(fenced_by, seen_by[thread]);
  watching = false;
}
static void warp_released(unsigned mask) {
  if (strcmp(here->waits_at, "__syncwarp()")) return;
  const int first = int(warp_of(here) - threads);
  for (int a = 0; a < warpSize; ++a)
    for (int b = 0; b < warpSize; ++b)
      if (mask >> a & mask >> b & 1) seen[first + a][b] = epochs[first + b];
  for (int a = 0; a < warpSize; ++a)
    if (mask >> a & 1) ++epochs[first + a];
}

static bool is_ordered(const Access &before, int thread) {
  if (before.thread == thread) return true;
  if (before.thread / warpSize != thread / warpSize) return false;
  return seen[thread][before.thread % warpSize] >= before.epoch;
}

[[noreturn]] static void report(const Access &now, bool writes, const Access &before, bool wrote, int64_t block) {
  fault_code = now.code;
  other_code = before.code;
  const uint3 at = threads[before.thread].index;
  watching = false;
  fail(0, "race: %s what thread (%u, %u, %u) of %s %s", writes ? "writes" : "reads", at.x, at.y, at.z,
       block < 0 ? "this block" : "another block", wrote ? "wrote" : "read");
}

static bool is_known(int64_t block, uint64_t in_interval) {
  const auto found = known.find(block);
  return block < 0 || block == this_block() || (found != known.end() && in_interval < found->second);
}

static void check_blocks(Word &word, const Access &now, bool writes) {
  if (!is_known(word.writing_block, word.write_interval) && !(now.atomic && word.block_write.atomic))
    report(now, writes, word.block_write, true, word.writing_block);
  if (writes && !is_known(word.reading_block, word.read_interval))
    report(now, writes, word.block_read, false, word.reading_block);
  if (writes) {
    word.writing_block = this_block();
    word.write_interval = interval;
    word.block_write = now;
  } else {
    word.reading_block = this_block();
    word.read_interval = interval;
    word.block_read = now;
  }
}

// An atomic operation of a thread: it announces what its block did, and sees what others announced.
static void meet_blocks(uintptr_t word, int thread) {
  learn(seen_by[thread], announced[word]);
  if (fenced_in[thread] == interval) announced[word][this_block()] = interval;
}

static void check_threads(Word &word, const Access &now, bool writes) {
  if (word.interval != interval) {
    word.interval = interval;
    word.reads.clear();
    word.writes.clear();
  }
  for (const Access &before : word.writes)
    if (!is_ordered(before, now.thread) && !(now.atomic && before.atomic)) report(now, writes, before, true, -1);
  if (writes)
    for (const Access &before : word.reads)
      if (!is_ordered(before, now.thread)) report(now, writes, before, false, -1);
  std::vector<Access> &mine = writes ? word.writes : word.reads;
  if (!mine.empty() && mine.back().thread == now.thread)
    mine.back() = now;
  else
    mine.push_back(now);
}

// Without this attribute the hooks would be instrumented and call themselves.
#define EMULATED_PLAIN __attribute__((no_sanitize("thread")))

EMULATED_PLAIN static bool is_within(const char *address, const char *start, size_t bytes) {
  return address >= start && address < start + bytes;
}

EMULATED_PLAIN static void note(const volatile void *where, size_t bytes, bool writes, bool atomic, void *code) {
  if (!here || watching || failed) return;
  const char *address = const_cast<const char *>(static_cast<const volatile char *>(where));
  if (is_within(address, launch->stacks, launch->stack_bytes * 1024)) return;
  if (is_within(address, image.start, image.bytes)) return;
  watching = true;
  const int thread = int(here - threads);
  const Access now = {thread, epochs[thread], code, atomic};
  const bool in_shared = is_within(address, shared.start, shared.bytes);
  const auto first = reinterpret_cast<uintptr_t>(address);
  for (uintptr_t word = first / 4; word <= (first + bytes - 1) / 4; ++word) {
    if (!in_shared) check_blocks(words[word], now, writes);
    check_threads(words[word], now, writes);
    if (atomic && !in_shared) meet_blocks(word, thread);
  }
  const char *dynamic = emulated_dynamic();
  watching = false;
  if (dynamic && is_within(address, dynamic + launch->shared_bytes, emulated_dynamic_bytes - launch->shared_bytes)) {
    fault_code = code;
    fail(0, "dynamic shared memory is touched at byte %ld, beyond the %u bytes asked for",
         long(address - dynamic), launch->shared_bytes);
  }
}

static void note_atomic(const volatile void *address, void *code) { note(address, 4, true, true, code); }

} // namespace emulated

#define EMULATED_HOOK(name, writes, bytes)                                                           \
  extern "C" EMULATED_PLAIN __attribute__((visibility("hidden"))) void __tsan_##name(void *address) {               \
    emulated::note(address, bytes, writes, false, __builtin_return_address(0));                      \
  }
#define EMULATED_HOOKS(bytes)                                                                        \
  EMULATED_HOOK(read##bytes, false, bytes)                                                           \
  EMULATED_HOOK(write##bytes, true, bytes)                                                           \
  EMULATED_HOOK(unaligned_read##bytes, false, bytes)                                                 \
  EMULATED_HOOK(unaligned_write##bytes, true, bytes)
EMULATED_HOOKS(1)
EMULATED_HOOKS(2)
EMULATED_HOOKS(4)
EMULATED_HOOKS(8)
EMULATED_HOOKS(16)
#define EMULATED_RANGE(name, writes)                                                                 \
  extern "C" EMULATED_PLAIN __attribute__((visibility("hidden"))) void __tsan_##name(void *address, size_t bytes) { \
    emulated::note(address, bytes, writes, false, __builtin_return_address(0));                      \
  }
EMULATED_RANGE(read_range, false)
EMULATED_RANGE(write_range, true)
extern "C" __attribute__((visibility("hidden"))) void __tsan_init() {}
extern "C" __attribute__((visibility("hidden"))) void __tsan_func_entry(void *) {}
extern "C" __attribute__((visibility("hidden"))) void __tsan_func_exit() {}
extern "C" __attribute__((visibility("hidden"))) void __tsan_vptr_update(void *, void *) {}
