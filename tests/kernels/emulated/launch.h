// The second header before the kernels: runs a grid block by block, with shared memory filled with
// NaN before each and with faults caught, and describes the types of a kernel's parameters.
#pragma once
#include <link.h>
#include <setjmp.h>
#include <signal.h>
#include <sys/time.h>
#include <type_traits>
#include <utility>

// Defined after the kernels: the `extern __shared__` array, as large as on the largest GPU.
static char *emulated_dynamic();
constexpr size_t emulated_dynamic_bytes = EMULATED_DYNAMIC_BYTES;

namespace emulated {

struct Segment {
  char *start;
  size_t bytes;
};
static Segment image, shared; // this library in memory, and all of its shared arrays
static thread_local volatile char touched;
static void *fault_address, *fault_code, *other_code;
static int fault_signal;
static sigjmp_buf way_out;

static int find_segments(dl_phdr_info *info, size_t, void *) {
  const auto mine = reinterpret_cast<uintptr_t>(&threads);
  uintptr_t low = UINTPTR_MAX, high = 0;
  for (int i = 0; i < info->dlpi_phnum; ++i) {
    const auto &part = info->dlpi_phdr[i];
    if (part.p_type != PT_LOAD) continue;
    const uintptr_t start = info->dlpi_addr + part.p_vaddr;
    low = start < low ? start : low;
    high = start + part.p_memsz > high ? start + part.p_memsz : high;
  }
  if (mine < low || mine >= high) return 0;
  image = {reinterpret_cast<char *>(low), high - low};
  for (int i = 0; i < info->dlpi_phnum; ++i)
    if (info->dlpi_phdr[i].p_type == PT_TLS)
      shared = {static_cast<char *>(info->dlpi_tls_data), info->dlpi_phdr[i].p_memsz};
  return 1;
}

static void block_begins(), grid_begins(); // for race detection

// Memory beyond the requested bytes is accessible: writes there are detected by changed bytes.
static void check_dynamic() {
  const char *start = emulated_dynamic();
  for (size_t i = launch->shared_bytes; start && !failed && i < emulated_dynamic_bytes; i += 4) {
    uint32_t word;
    memcpy(&word, start + i, 4);
    if (word != 0xffffffff)
      fail_at(nullptr, 0, "a write to dynamic shared memory at byte %zu, beyond the %u bytes asked for", i,
              launch->shared_bytes);
  }
}

static void run_grid() {
  const auto &grid = launch->grid;
  grid_begins();
  for (unsigned z = 0; z < grid[2]; ++z)
    for (unsigned y = 0; y < grid[1]; ++y)
      for (unsigned x = 0; x < grid[0] && !failed; ++x) {
        blockIdx = {x, y, z};
        memset(shared.start, 0xff, shared.bytes);
        block_begins();
        run_block();
        check_dynamic();
      }
}

static void on_signal(int number, siginfo_t *info, void *state) {
  fault_signal = number;
  fault_address = info->si_addr;
  fault_code = nullptr;
#if defined(__x86_64__)
  fault_code = reinterpret_cast<void *>(static_cast<ucontext_t *>(state)->uc_mcontext.gregs[REG_RIP]);
#endif
  siglongjmp(way_out, 1);
}

static const int caught[] = {SIGSEGV, SIGBUS, SIGFPE, SIGVTALRM};

// 0: ran to the end; 1: `message` says what was wrong; otherwise the signal that stopped it.
static int guarded_run() {
  static struct sigaction before[4];
  static stack_t stack_before;
  static char signal_stack[64 << 10]; // a fault may be a stack overflow of a fiber
  static int outcome;
  stack_t stack = {};
  stack.ss_sp = signal_stack;
  stack.ss_size = sizeof signal_stack;
  sigaltstack(&stack, &stack_before);
  struct sigaction action = {};
  action.sa_sigaction = on_signal;
  action.sa_flags = SA_SIGINFO | SA_ONSTACK;
  for (int i = 0; i < 4; ++i) sigaction(caught[i], &action, &before[i]);
  itimerval limit = {{0, 0}, {long(launch->seconds), 0}}, off = {};
  fault_signal = 0;
  if (!sigsetjmp(way_out, 1)) {
    setitimer(ITIMER_VIRTUAL, &limit, nullptr);
    run_grid();
  }
  setitimer(ITIMER_VIRTUAL, &off, nullptr);
  outcome = fault_signal ? fault_signal : failed;
  for (int i = 0; i < 4; ++i) sigaction(caught[i], &before[i], nullptr);
  sigaltstack(&stack_before, nullptr);
  if (fault_signal) {
    failed = false;
    fail_at(here, 0, "%s", ""); // the place; the caller knows the error
  }
  return outcome;
}

static int run(const Launch *wanted, void (*kernel)(void **), void **values) {
  launch = wanted;
  body = kernel;
  arguments = values;
  const uint32_t *block = launch->block, *grid = launch->grid;
  blockDim = {block[0], block[1], block[2]};
  gridDim = {grid[0], grid[1], grid[2]};
  thread_count = int(block[0] * block[1] * block[2]);
  random_state = launch->seed;
  memset(sleeps, 0, sizeof sleeps);
  failed = false;
  here = nullptr;
  message[0] = 0;
  fault_code = other_code = fault_address = nullptr;
  touched = 1; // shared memory is allocated at the first access
  dl_iterate_phdr(find_segments, nullptr);
  return guarded_run();
}

// "f4", "i4", "u1": the kind and the bytes of a type; "*f4": a pointer to it; "?": any type.
template <class T> int describe(char *text, size_t size) {
  using Bare = std::remove_cv_t<T>;
  if constexpr (std::is_pointer_v<Bare>) {
    const int used = snprintf(text, size, "*");
    if constexpr (std::is_void_v<std::remove_pointer_t<Bare>>) return used + snprintf(text + used, size, "?");
    else return used + describe<std::remove_pointer_t<Bare>>(text + used, size);
  } else {
    const char *kind = std::is_same_v<Bare, bool>    ? "b"
                       : std::is_floating_point_v<T> ? "f"
                       : std::is_unsigned_v<T>       ? "u"
                       : std::is_integral_v<T>       ? "i"
                                                     : "?";
    return snprintf(text, size, "%s%zu", kind, sizeof(T));
  }
}
template <class... P> const char *signature(void (*)(P...)) {
  static char text[2048];
  int used = 0;
  text[0] = 0;
  ((used += describe<P>(text + used, 32), used += snprintf(text + used, 2, " ")), ...);
  return text;
}
template <class... P, size_t... I>
void call(void (*kernel)(P...), void **values, std::index_sequence<I...>) {
  kernel(*static_cast<std::remove_cv_t<P> *>(values[I])...);
}
template <class... P> void call(void (*kernel)(P...), void **values) {
  call(kernel, values, std::index_sequence_for<P...>());
}

// Called by code of -fsanitize=alignment,bounds when a check fails. The layouts are g++'s.
struct Place {
  const char *file;
  uint32_t line, column;
};
struct Type {
  uint16_t kind, info;
  char name[1];
};
struct OutOfBounds {
  Place place;
  const Type *array, *index;
};
struct Misaligned {
  Place place;
  const Type *type;
  unsigned char log_alignment, kind;
};
} // namespace emulated

#define EMULATED_API extern "C" __attribute__((visibility("default")))
extern "C" __attribute__((visibility("hidden"))) void
__ubsan_handle_out_of_bounds_abort(emulated::OutOfBounds *at, uintptr_t index) {
  emulated::fail(int(at->place.line), "index %ld is outside %s", long(index), at->array->name);
}
extern "C" __attribute__((visibility("hidden"))) void
__ubsan_handle_type_mismatch_v1_abort(emulated::Misaligned *at, uintptr_t address) {
  emulated::fail(int(at->place.line), "address %#lx is not aligned to %d bytes for %s", long(address),
                 1 << at->log_alignment, at->type->name);
}
EMULATED_API const char *emulated_message() { return emulated::message; }
EMULATED_API void *emulated_fault_address() { return emulated::fault_address; }
// The offset in the library's file of the faulting instruction, or of the other one of a race.
EMULATED_API size_t emulated_code(int other) {
  const void *code = other ? emulated::other_code : emulated::fault_code;
  return code ? size_t(static_cast<const char *>(code) - emulated::image.start) : 0;
}
#if defined(EMULATED_RACES)
#include "races.h"
#else
namespace emulated {
static void barrier_released() {}
static void warp_released(unsigned) {}
static void block_begins() {}
static void grid_begins() {}
static void note_atomic(const volatile void *, void *) {}
static void fence() {}
} // namespace emulated
#endif

// Used once for each kernel, after the source that defines them.
#define EMULATED_KERNEL(name, max_threads)                                                          \
  static void emulated_call_##name(void **values) { emulated::call(name, values); }                  \
  EMULATED_API int emulated_run_##name(const emulated::Launch *launch, void **values) {              \
    return emulated::run(launch, emulated_call_##name, values);                                      \
  }                                                                                                  \
  EMULATED_API const char *emulated_signature_##name() { return emulated::signature(name); }         \
  EMULATED_API int emulated_max_threads_##name() { return max_threads; }
