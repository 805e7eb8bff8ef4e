"""The kernels compile with NVRTC for all architectures, without spills; no GPU is needed for that.

By default a sample is compiled; with ``pytest tests/kernels/test_nvrtc.py -m cuda_matrix`` every
variant, size and architecture. ``registers.py`` prints the registers of each.
"""

from __future__ import annotations

import pytest
from kernels import layer_cases, standin
from kernels.layer_cases import TOLERANCE, Case
from kernels.nvrtc import ARCHES, MAX_SHARED, VARIANTS, KernelResources, compile_for

from rnnviz.cells import CELLS
from rnnviz.engine.cuda import layer as layers
from rnnviz.engine.cuda.backend import OPTIONS, CudaBackend
from rnnviz.engine.cuda.shared_kernels import THREADS, SharedKernels, shared_source
from rnnviz.engine.cuda.source import NoKernelError, kernel_source

SIZES = (1, 10, 32, 64, 96, 128)
#: Every size and architecture, with the layers among them that need most registers.
SAMPLE = (
    ("lstm", 128, "sm_90"), ("lstm", 96, "sm_120"), ("rnn", 64, "sm_100"), ("gru", 32, "sm_75"),
    ("gru relu hard", 10, "sm_89"), ("mingru", 10, "sm_80"), ("lstm-peephole", 10, "sm_90"),
    ("rnn relu", 1, "sm_86"),
)  # fmt: skip
#: Registers of a multiprocessor, on all these architectures.
ALL_REGISTERS = 65536
KIB = 1024


def check(uses: list[KernelResources], threads: int) -> None:
    """No spills, no stack, and enough registers for a block of so many threads."""
    over = [max(use.spill_stores, use.spill_loads, use.stack) for use in uses]
    assert max(over) == 0, uses
    assert [use for use in uses if not 0 < use.registers * threads <= ALL_REGISTERS] == []


def check_layer(name: str, H: int, arch: str) -> None:
    """The same for a layer's kernels, or NoKernelError if shared memory does not suffice."""
    source = kernel_source(VARIANTS[name], H)
    if source.dynamic_shared + source.static_shared > MAX_SHARED[arch]:
        with pytest.raises(NoKernelError, match="KiB of shared memory, the GPU has"):
            layers.compile_kernels(SHARED, never, source, MAX_SHARED[arch])
        return
    uses = {use.name: use for use in compile_for(source.text, OPTIONS, arch)}
    assert set(uses) == {"forward", "backward"}
    assert max(use.static_shared for use in uses.values()) == source.static_shared
    check(list(uses.values()), source.threads)


def never(source: str) -> object:
    raise AssertionError("compiled in vain")


SHARED = SharedKernels(None, never)


@pytest.mark.parametrize(("name", "H", "arch"), SAMPLE)
def test_a_layer_s_kernels_keep_their_numbers_in_registers(name: str, H: int, arch: str) -> None:
    check_layer(name, H, arch)


@pytest.mark.cuda_matrix
@pytest.mark.parametrize("arch", ARCHES)
@pytest.mark.parametrize("H", SIZES)
@pytest.mark.parametrize("name", VARIANTS)
def test_every_layer_s_kernels_do_on_every_architecture(name: str, H: int, arch: str) -> None:
    check_layer(name, H, arch)


def on_each(arches: tuple[str, ...]) -> list[object]:
    """The first; the others only with -m cuda_matrix."""
    first, *rest = arches
    return [first, *(pytest.param(arch, marks=pytest.mark.cuda_matrix) for arch in rest)]


@pytest.mark.parametrize("arch", on_each(ARCHES))
def test_the_shared_kernels_compile(arch: str) -> None:
    uses = compile_for(shared_source(), OPTIONS, arch)
    wanted = {
        "step_adam", "step_rmsprop", "gather_texts", "gather_windows", "scatter_add",
        "check_gradients", "head", "input_projection", "input_gradient", "weight_gradients",
    }  # fmt: skip
    assert wanted <= {use.name for use in uses}
    check(uses, THREADS)


def test_the_sizes_of_the_sample_are_all_there() -> None:
    names, sizes, arches = map(set, zip(*SAMPLE, strict=True))
    assert (sizes, arches) == (set(SIZES), set(ARCHES))
    assert {name.split()[0] for name in names} == {name.split()[0] for name in VARIANTS}


# -- layers that the GPU cannot run ---------------------------------------------------------------


@pytest.mark.parametrize(("name", "needed"), [("lstm", 88 * KIB + 4224), ("gru", 88 * KIB + 3168)])
def test_more_shared_memory_than_the_gpu_has_is_no_kernel(name: str, needed: int) -> None:
    source = kernel_source(CELLS[name], 128)
    # Static shared memory counts, too.
    for most in (64 * KIB, source.dynamic_shared, needed - 1):
        message = f"needs {-(-needed // KIB)} KiB of shared memory, the GPU has {most // KIB}"
        with pytest.raises(NoKernelError, match=message):
            layers.compile_kernels(SHARED, never, source, most)
    for most in (needed, 99 * KIB):
        with pytest.raises(AssertionError, match="compiled in vain"):
            layers.compile_kernels(SHARED, never, source, most)


@pytest.mark.parametrize("H", [h for h in SIZES if h < 128])
@pytest.mark.parametrize("name", ["rnn", "lstm", "gru"])
def test_smaller_layers_fit_the_smallest_gpu(name: str, H: int) -> None:
    source = kernel_source(CELLS[name], H)
    assert source.dynamic_shared + source.static_shared <= 48 * KIB


FALLING_BACK = [
    (Case("lstm", "left", "both", "recurrent", H=128, T=3), "LSTM: a block needs 93 KiB"),
    (Case("gru", "none", "forward", "none", H=128, T=3), "GRU: a block needs 92 KiB"),
    (Case("rnn", "right", "both", "none", H=200, T=3), "SimpleRNN: 200 units are more than 128"),
    (Case("lstm-slide", "holes", "both", "none", H=10, T=5, outputs=True), "LSTM"),
    (Case("gru-2014", "left", "both", "input", H=10, T=5), "GRU"),
    (Case("lstm-projection", "holes", "both", "recurrent", H=10, T=5), "LSTM, projection"),
]


@pytest.mark.parametrize(("case", "why"), FALLING_BACK, ids=str)
def test_a_layer_without_a_kernel_is_computed_step_by_step_with_one_message(
    emulated_backend: CudaBackend,
    messages: list[str],
    case: Case,
    why: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(CudaBackend, "max_shared", 64 * KIB)
    for name in ("lstm-slide", "gru-2014", "lstm-projection"):
        monkeypatch.setitem(layer_cases.CELLS_BY_NAME, name, CELLS[name])
    for seed in (0, 1):
        difference, name = layer_cases.largest_difference(case, emulated_backend, seed)
        assert difference <= TOLERANCE, name
    (message,) = messages
    assert message.startswith(why)
    assert message.endswith("; this layer is computed step by step, many times slower.")
    assert not standin.record.launches


def test_a_layer_of_more_numbers_than_an_index_can_address_is_computed_step_by_step(
    emulated_backend: CudaBackend, messages: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(layers, "MAX_NUMBERS", 1000)
    for seed in (0, 1):
        difference, name = layer_cases.largest_difference(
            Case("gru", H=10, T=20), emulated_backend, seed
        )
        assert difference <= TOLERANCE, name
    assert messages[0].startswith("GRU: 20 steps of 3 sequences are more numbers than a kernel can")
    assert len(messages) == 1
