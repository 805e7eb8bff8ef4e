"""The interpreter of pickles: what it makes, what it refuses, and that it runs nothing."""

from __future__ import annotations

import pickle
import time
from collections import OrderedDict, defaultdict
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from interop.torch import pickles as p

from rnnviz.interop.detection import read_contents
from rnnviz.interop.torch.pickle_calls import CALLS
from rnnviz.interop.torch.pickle_machine import (
    MAX_OPCODES,
    PickleMachine,
    PlantedCodeError,
)
from rnnviz.interop.torch.pickle_stream import PickleError
from rnnviz.interop.torch.pickle_values import TensorRecord, UnknownObject

PLAIN = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text()
    | st.binary(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner) | st.tuples(inner, inner),
    max_leaves=20,
)


def run(body: bytes) -> Any:
    return PickleMachine(p.PROTOCOL + body + p.STOP).run()


@given(PLAIN, st.integers(0, 5))
def test_plain_data_is_as_pickle_reads_it(value: Any, protocol: int) -> None:
    assert PickleMachine(pickle.dumps(value, protocol)).run() == value


def test_containers_of_the_standard_library_become_plain() -> None:
    filled = defaultdict(int, a=1)
    value = {"o": OrderedDict(b=2), "d": filled, "s": {1, 2}, "f": frozenset("x"), "c": b"\xff"}
    for protocol in range(6):
        found = PickleMachine(pickle.dumps(value, protocol)).run()
        assert found == {"o": {"b": 2}, "d": {"a": 1}, "s": {1, 2}, "f": {"x"}, "c": b"\xff"}
        assert type(found["o"]) is dict and type(found["d"]) is dict


def test_references_to_a_container_that_holds_itself() -> None:
    value: list[Any] = [1]
    value.append(value)
    found = PickleMachine(pickle.dumps(value)).run()
    assert found[0] == 1 and found[1] is found


TOUCH = "touch {}"


def planted(where: Path) -> dict[str, bytes]:
    """A call of os.system in every way that a pickle can make one; each makes a file if run."""
    command = p.text(TOUCH.format(where))
    system = p.name("posix", "system")
    inert = p.name("planted_module", "Planted")  # would be imported, and call in its __reduce__
    call = system + p.sequence(command) + b"R"
    return {
        "REDUCE": call,
        "INST": p.MARK + command + b"iposix\nsystem\n",
        "OBJ": p.MARK + system + command + b"o",
        "NEWOBJ": system + p.sequence(command) + b"\x81",
        "NEWOBJ_EX": system + p.sequence(command) + b"}\x92",
        "STACK_GLOBAL": p.text("posix") + p.text("system") + b"\x93" + p.sequence(command) + b"R",
        "BUILD": inert + b")\x81" + p.dictionary({"__setstate__": call}) + b"b",
        "persistent id": call + b"Q",
        "persistent id of text": b"P" + TOUCH.format(where).encode() + b"\n",
        "in a list": b"](" + call + b"e",
        "as a key": b"}" + call + p.integer(1) + b"s",
        "as a value": p.dictionary({"x": call}),
        "in arguments": p.name("collections", "OrderedDict") + p.sequence(call) + b"R",
        "in a tensor": p.name("torch._utils", "_rebuild_tensor_v2") + p.sequence(call) + b"R",
        "builtins": p.name("builtins", "eval") + p.sequence(p.text("__import__('os')")) + b"R",
        "getattr": p.name("builtins", "getattr")
        + p.sequence(p.name("nothing", "x"), p.text("system")) + b"R" + p.sequence(command) + b"R",
        "EXT": b"\x82\x01" + p.sequence(command) + b"R",
        "unknown": p.name("webbrowser_of_mine", "open") + p.sequence(command) + b"R",
    }  # fmt: skip


@pytest.mark.parametrize("form", planted(Path("x")))
@pytest.mark.parametrize("write", [p.write_zip, p.write_legacy])
def test_planted_code_leaves_no_trace(tmp_path: Path, form: str, write: Any) -> None:
    trace = tmp_path / "trace"
    calls = planted(trace)
    assert set(calls) == set(planted(Path("x")))
    for body in (calls[form], p.dictionary({"state_dict": p.ordered({}), "x": calls[form]})):
        file = write(tmp_path / "model.pt", body, {})
        try:
            contents = read_contents(file)
        except Exception as error:
            assert type(error).__name__ == "InvalidFileError"
        else:
            assert contents.refusal
        assert not trace.exists()


def test_the_way_planted_code_is_written_does_run_in_pickle(tmp_path: Path) -> None:
    """Otherwise the test above would pass for pickles that do nothing anywhere."""
    for form in ("REDUCE", "OBJ", "INST", "STACK_GLOBAL", "in a list", "as a value"):
        trace = tmp_path / form
        pickle.loads(p.PROTOCOL + planted(Path(f"'{trace}'"))[form] + p.STOP)
        assert trace.exists()


def test_a_name_that_runs_code_is_refused_even_if_it_is_not_called() -> None:
    with pytest.raises(PlantedCodeError, match=r"posix\.system"):
        run(p.name("posix", "system"))


def test_unknown_objects_are_inert() -> None:
    found = run(p.name("argparse", "Namespace") + b")\x81" + p.dictionary({"a": b"N"}) + b"b")
    assert isinstance(found, UnknownObject)
    assert (found.of, found.state) == ("argparse.Namespace", {"a": None})


def test_calls_make_nothing_but_data_and_tensors() -> None:
    """Whatever the arguments: no callable, no class, no module."""
    harmless = (dict, list, tuple, set, bytes, str, int, float, bool, type(None))
    arguments: list[tuple[Any, ...]] = [(), (1,), ("f8", 0, 1), ([("a", 1)],), (b"x",), (None, [])]
    for make in CALLS.values():
        for each in arguments:
            try:
                found = make(*each)
            except (ValueError, TypeError):
                continue
            assert type(found) in harmless or type(found).__module__.startswith("rnnviz.interop")


@pytest.mark.parametrize(
    "body",
    [
        b"J\x00", b"X\xff\xff\xff\xffabc", b"\x8d" + b"\xff" * 8, b"t", b"0", b"h\x05", b"R", b"b",
        b"\xff", b"\x8b\xff\xff\xff\x7f", b"I" + b"9" * 5000 + b"\n", b"cposix", b"\x82\x01",
        b"NNs", b"N(NNe", b"](Ns", b"\x97", b"Sabc\n", b"S'\\x'\n", b"Fx\n", b"g999\n",
        p.tensor("0", 4, (2, 2), strides=(1,)), p.tensor("0", 4, (-2, 2)), b"\x80\x06",
        p.tensor("0", 1 << 60, (2,)),
    ],
)  # fmt: skip
def test_damaged_pickles_are_refused(body: bytes) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        run(body)


def test_hostile_pickles_take_neither_time_nor_memory() -> None:
    doubled = b")" + b"q\x00h\x00h\x00\x86" * 10_000  # a tuple of 2**10000 members
    nested = b"]" * 300_000 + b"a" * 299_999
    copied = b"](" + b"N" * 100_000 + b"eq\x00" + (
        p.name("builtins", "list") + b"(h\x00tR" * 1_000
    )  # fmt: skip
    keys = b"}" + b"(" + b"".join(
        p.integer(k * ((1 << 61) - 1)) + b"N" for k in range(20_000)
    ) + b"u"  # fmt: skip
    many = b"N0" * MAX_OPCODES
    begin = time.perf_counter()
    for body in (doubled + b"}" + b"h\x00Ns", nested, keys):
        run(body)
    for body in (copied, many):
        with pytest.raises(PickleError):
            run(body)
    assert time.perf_counter() - begin < 60  # linear in the file; exponential would never end


def test_the_record_of_a_tensor() -> None:
    found = run(p.tensor("k", 6, (2, 3), offset=0))
    assert isinstance(found, TensorRecord)
    assert (found.shape, found.strides, found.dtype, found.storage.key) == (
        (2, 3), (3, 1), "float32", "k",
    )  # fmt: skip
