"""The kernels compile for every card they are for, without spills; NVRTC needs no card for that.

Here are a dozen; every variant, size and card with ``pytest tests/kernels/test_compiled.py -m
cuda_matrix``. ``registers.py`` prints what each takes.
"""

from __future__ import annotations

import pytest
from kernels import cases, standin
from kernels.cases import TOLERANCE, Case
from kernels.compiled import ARCHES, MOST_SHARED, VARIANTS, KernelUse, compile_for

from rnnviz.cells import CELLS
from rnnviz.engine.cuda import layer as layers
from rnnviz.engine.cuda.backend import OPTIONS, THREADS, CudaBackend
from rnnviz.engine.cuda.optimizer_kernels import update_source
from rnnviz.engine.cuda.source import NoKernelError, kernel_source

SIZES = (1, 10, 32, 64, 96, 128)
#: Every size and card, and the largest of those that need most.
SAMPLE = (
    ("lstm", 128, "sm_90"), ("lstm", 96, "sm_120"), ("rnn", 64, "sm_100"), ("gru", 32, "sm_75"),
    ("gru relu hard", 10, "sm_89"), ("mingru", 10, "sm_80"), ("peephole", 10, "sm_90"),
    ("rnn relu", 1, "sm_86"),
)  # fmt: skip
#: Registers of a multiprocessor, on all these cards.
ALL_REGISTERS = 65536
KIB = 1024


#: Bytes that a kernel of a cell that is not shipped does not keep in registers.
SPILT = {("peephole", 128, arch): 8 for arch in ("sm_100", "sm_120")}


def check(uses: list[KernelUse], threads: int, spilt: int = 0) -> None:
    """No spills, no stack, and a block of so many threads can be launched."""
    over = [max(use.spill_stores, use.spill_loads, use.stack) for use in uses]
    assert max(over) == spilt, uses
    assert [use for use in uses if not 0 < use.registers * threads <= ALL_REGISTERS] == []


def check_layer(name: str, H: int, arch: str) -> None:
    """The same of a layer's kernels, if a block of them finds room on the card."""
    source = kernel_source(VARIANTS[name], H)
    if source.dynamic_shared + source.static_shared > MOST_SHARED[arch]:
        with pytest.raises(NoKernelError, match="KiB of shared memory are more than the card's"):
            layers.compile_kernels(never, source, MOST_SHARED[arch])
        return
    uses = {use.name: use for use in compile_for(source.text, OPTIONS, arch)}
    assert set(uses) == {"forward", "backward"}
    assert max(use.static_shared for use in uses.values()) == source.static_shared
    check(list(uses.values()), source.threads, SPILT.get((name, H, arch), 0))


def never(source: str) -> object:
    raise AssertionError("compiled for nothing")


@pytest.mark.parametrize(("name", "H", "arch"), SAMPLE)
def test_a_layer_s_kernels_keep_their_numbers_in_registers(name: str, H: int, arch: str) -> None:
    check_layer(name, H, arch)


@pytest.mark.cuda_matrix
@pytest.mark.parametrize("arch", ARCHES)
@pytest.mark.parametrize("H", SIZES)
@pytest.mark.parametrize("name", VARIANTS)
def test_every_layer_s_kernels_do_on_every_card(name: str, H: int, arch: str) -> None:
    check_layer(name, H, arch)


def on_each(arches: tuple[str, ...]) -> list[object]:
    """The first; the others with everything else."""
    first, *rest = arches
    return [first, *(pytest.param(arch, marks=pytest.mark.cuda_matrix) for arch in rest)]


@pytest.mark.parametrize("arch", on_each(ARCHES))
def test_the_kernels_beside_the_layers_compile_too(arch: str) -> None:
    uses = compile_for(update_source(), OPTIONS, arch)
    wanted = {
        "step_adam",
        "step_rmsprop",
        "padded_ids",
        "scatter_add",
        "sum_squares",
        "check_gradients",
    }
    assert wanted <= {use.name for use in uses}
    check(uses, THREADS)


def test_the_sizes_of_the_sample_are_all_there() -> None:
    names, sizes, arches = map(set, zip(*SAMPLE, strict=True))
    assert (sizes, arches) == (set(SIZES), set(ARCHES))
    assert {name.split()[0] for name in names} == {name.split()[0] for name in VARIANTS}


# -- what a card cannot launch is not launched ----------------------------------------------------


@pytest.mark.parametrize(("name", "needed"), [("lstm", 88 * KIB + 4224), ("gru", 88 * KIB + 3168)])
def test_more_shared_memory_than_the_card_has_is_no_kernel(name: str, needed: int) -> None:
    source = kernel_source(CELLS[name], 128)
    for most in (
        64 * KIB,
        source.dynamic_shared,
        needed - 1,
    ):  # what is not asked for counts as well
        said = f"{-(-needed // KIB)} KiB of shared memory are more than the card's {most // KIB}"
        with pytest.raises(NoKernelError, match=said):
            layers.compile_kernels(never, source, most)
    for most in (needed, 99 * KIB):
        with pytest.raises(AssertionError, match="compiled for nothing"):
            layers.compile_kernels(never, source, most)


@pytest.mark.parametrize("H", [h for h in SIZES if h < 128])
@pytest.mark.parametrize("name", ["rnn", "lstm", "gru"])
def test_smaller_layers_fit_the_smallest_card(name: str, H: int) -> None:
    source = kernel_source(CELLS[name], H)
    assert source.dynamic_shared + source.static_shared <= 48 * KIB


FALLING_BACK = [
    (Case("lstm", "left", "both", "recurrent", H=128, T=3), "LSTM: 93 KiB of shared memory"),
    (Case("gru", "none", "forward", "none", H=128, T=3), "GRU: 92 KiB of shared memory"),
    (Case("rnn", "right", "both", "none", H=200, T=3), "SimpleRNN: 200 units are more than 128"),
    (Case("lstm-slide", "holes", "both", "none", H=10, T=5, outputs=True), "LSTM"),
    (Case("gru-2014", "left", "both", "input", H=10, T=5), "GRU"),
]


@pytest.mark.parametrize(("case", "why"), FALLING_BACK, ids=str)
def test_a_layer_without_a_kernel_goes_step_by_step_and_says_so_once(
    emulated_card: CudaBackend,
    said: list[str],
    case: Case,
    why: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(CudaBackend, "max_shared", 64 * KIB)
    for name in ("lstm-slide", "gru-2014"):
        monkeypatch.setitem(cases.BY_NAME, name, CELLS[name])
    for seed in (0, 1):
        gap, where = cases.worst(case, emulated_card, seed)
        assert gap <= TOLERANCE, where
    (told,) = said
    assert told.startswith(why)
    assert told.endswith("; this layer goes step by step, many times slower.")
    assert not standin.record.launches


def test_a_layer_of_more_numbers_than_can_be_counted_goes_step_by_step(
    emulated_card: CudaBackend, said: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(layers, "MAX_NUMBERS", 1000)
    for seed in (0, 1):
        gap, where = cases.worst(Case("gru", H=10, T=20), emulated_card, seed)
        assert gap <= TOLERANCE, where
    assert said[0].startswith("GRU: 20 steps of 3 sequences are more numbers than a kernel can")
    assert len(said) == 1
