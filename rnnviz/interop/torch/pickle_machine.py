"""An interpreter of pickle opcodes that runs nothing and can make only plain data.

It is written for this purpose, not derived from :class:`pickle.Unpickler`: names of classes and
functions stay names (:class:`PickledName`), calls of a few of them make data or the record of a
tensor (:mod:`.pickle_calls`), all others an :class:`UnknownObject`. Opcodes: ``pickletools``.
"""

from __future__ import annotations

import struct
from typing import Any, Final

from rnnviz.interop.torch.pickle_calls import (
    called,
    fill_array,
    key_of,
    order_dtype,
    runs_code,
    storage_of,
)
from rnnviz.interop.torch.pickle_stream import PickleError, PickleStream
from rnnviz.interop.torch.pickle_values import (
    PickledName,
    StorageRecord,
    TensorRecord,
    UnknownObject,
)
from rnnviz.messages import N_

#: Opcodes of a pickle, remembered objects, and the items and letters that calls may copy. A state
#: dict takes 30 to 50 opcodes a tensor; a vocabulary three a word.
MAX_OPCODES, MAX_MEMO, MAX_COPIED = 1_000_000, 500_000, 2_000_000
_MAX_NAME = 1_000
_SET_COST = 5  # an empty set takes as many bytes as a list of so many items
_COPIED = (list, tuple, dict, set, str)


class PlantedCodeError(Exception):
    """The pickle names something that runs programs; the message is that name."""


class PickleMachine(PickleStream):
    """Interprets one pickle of ``data`` that begins at ``start``; ``end`` is the byte after it.

    ``storages`` are those that its persistent ids name, by key.
    """

    def __init__(
        self, data: bytes | memoryview, start: int = 0, opcodes: int = MAX_OPCODES
    ) -> None:
        super().__init__(data, start)
        self._opcodes = opcodes
        self.storages: dict[str, StorageRecord] = {}
        self._copied = 0
        self._memo: dict[int, Any] = {}
        self._names: dict[tuple[str, str], PickledName] = {}
        self.end = start

    def run(self) -> Any:
        """The value of the pickle.

        Raises PickleError if it is damaged or exceeds the limits, PlantedCodeError if it names a
        function that runs programs.
        """
        data, steps = self._data, {code: getattr(self, name) for code, name in _STEPS.items()}
        try:
            for _ in range(self._opcodes):
                code = data[self._at]
                self._at += 1
                if code == 0x2E:  # STOP
                    self.end = self._at
                    return self._stack.pop()
                steps[code]()
        except KeyError as error:
            raise PickleError(
                N_("it has an unknown opcode or reference ({reason})").format(reason=error)
            ) from error
        except (IndexError, TypeError, struct.error, UnicodeError) as error:
            raise PickleError(
                N_("its pickle is damaged at byte {at:,}").format(at=self._at)
            ) from error
        raise PickleError(
            N_("its pickle has more than {most:,} opcodes").format(most=self._opcodes)
        )

    # -- containers --------------------------------------------------------------------------------

    def _mark(self) -> None:
        self._marks.append(len(self._stack))

    def _drop(self) -> None:
        if self._marks and self._marks[-1] == len(self._stack):
            self._marks.pop()
        else:
            self._stack.pop()

    def _drop_mark(self) -> None:
        self._pop_mark()

    def _repeat(self) -> None:
        self._push(self._top())

    def _new_list(self) -> None:
        self._push([])

    def _new_dict(self) -> None:
        self._push({})

    def _spend(self, items: int) -> None:
        self._copied += items
        if self._copied > MAX_COPIED:
            raise PickleError(N_("it makes too many objects"))

    def _new_set(self) -> None:
        self._spend(_SET_COST)
        self._push(set())

    def _new_tuple(self) -> None:
        self._push(())

    def _tuple1(self) -> None:
        self._stack[-1:] = [(self._top(),)]

    def _tuple2(self) -> None:
        second = self._pop()
        self._push((self._pop(), second))

    def _tuple3(self) -> None:
        third, second = self._pop(), self._pop()
        self._push((self._pop(), second, third))

    def _tuple_mark(self) -> None:
        self._push(tuple(self._pop_mark()))

    def _list_mark(self) -> None:
        self._push(self._pop_mark())

    def _dict_mark(self) -> None:
        items = self._pop_mark()
        self._push({})
        self._set_items(items)

    def _set_mark(self) -> None:
        self._push({key_of(item) for item in self._pop_mark()})

    def _set_items(self, items: list[Any]) -> None:
        if len(items) % 2:
            raise PickleError(N_("it has a key without a value"))
        into = self._top()
        if isinstance(into, dict):
            for key, value in zip(items[::2], items[1::2], strict=True):
                into[key if type(key) is str else key_of(key)] = value
        elif not isinstance(into, UnknownObject):
            raise PickleError(N_("it sets an entry of something that has none"))

    def _set_item(self) -> None:
        value = self._pop()
        self._set_items([self._pop(), value])

    def _set_items_mark(self) -> None:
        self._set_items(self._pop_mark())

    def _append_items(self, items: list[Any]) -> None:
        into = self._top()
        if isinstance(into, list):
            into.extend(items)
        elif isinstance(into, set):
            into.update(key_of(item) for item in items)
        elif not isinstance(into, UnknownObject):
            raise PickleError(N_("it appends to something that is no list"))

    def _append(self) -> None:
        self._append_items([self._pop()])

    def _append_mark(self) -> None:
        self._append_items(self._pop_mark())

    # -- memory -----------------------------------------------------------------------------------

    def _remember(self, index: int) -> None:
        if len(self._memo) >= MAX_MEMO:
            raise PickleError(
                N_("its pickle remembers more than {most:,} objects").format(most=MAX_MEMO)
            )
        self._memo[index] = self._top()

    def _put1(self) -> None:
        self._remember(self._read(1)[0])

    def _put4(self) -> None:
        self._remember(self._u4())

    def _put_line(self) -> None:
        self._int_text()
        self._remember(self._stack.pop())

    def _put_next(self) -> None:
        self._remember(len(self._memo))

    def _get1(self) -> None:
        self._push(self._memo[self._read(1)[0]])

    def _get4(self) -> None:
        self._push(self._memo[self._u4()])

    def _get_line(self) -> None:
        self._int_text()
        self._push(self._memo[self._stack.pop()])

    # -- names and calls ---------------------------------------------------------------------------

    def _name(self, module: Any, name: Any) -> PickledName:
        if not isinstance(module, str) or not isinstance(name, str):
            raise PickleError(N_("the name of a class is no text"))
        if len(module) > _MAX_NAME or len(name) > _MAX_NAME:
            raise PickleError(N_("the name of a class is too long"))
        if (module, name) not in self._names:
            found = PickledName(module, name)
            if runs_code(found):
                raise PlantedCodeError(str(found))
            self._names[module, name] = found
        return self._names[module, name]

    def _global_lines(self) -> PickledName:
        module = self._line().decode("utf-8")
        return self._name(module, self._line().decode("utf-8"))

    def _global(self) -> None:
        self._push(self._global_lines())

    def _stack_global(self) -> None:
        name = self._pop()
        self._push(self._name(self._pop(), name))

    def _call(self, function: Any, arguments: Any) -> None:
        if not isinstance(arguments, tuple):
            raise PickleError(N_("the arguments of a call are no tuple"))
        self._spend(sum(len(a) for a in arguments[:8] if isinstance(a, _COPIED)))
        if isinstance(function, PickledName):
            self._push(called(function, arguments))
        else:
            self._push(UnknownObject(N_("result of a call")))

    def _reduce(self) -> None:
        arguments = self._pop()
        self._call(self._pop(), arguments)

    def _new_object(self) -> None:
        self._reduce()

    def _new_object_keywords(self) -> None:
        self._pop()
        self._reduce()

    def _instance(self) -> None:
        arguments = tuple(self._pop_mark())
        self._call(self._global_lines(), arguments)

    def _object(self) -> None:
        items = self._pop_mark()
        self._call(items[0], tuple(items[1:]))

    def _build(self) -> None:
        state, target = self._pop(), self._top()
        if isinstance(target, TensorRecord):
            if target.dtype == "object":
                fill_array(target, state)
        elif isinstance(target, UnknownObject):
            if target.of == "numpy.dtype":
                order_dtype(target, state)
            else:
                target.state = state

    def _persistent(self) -> None:
        storage = storage_of(self._pop())
        if isinstance(storage, StorageRecord):
            self.storages.setdefault(storage.key, storage)
        self._push(storage)

    def _persistent_line(self) -> None:
        self._line()
        self._push(UnknownObject(N_("persistent id")))

    def _extension(self) -> None:
        raise PickleError(N_("it uses an extension code of pickle, which has no meaning here"))

    def _buffer(self) -> None:
        raise PickleError(N_("it has data outside the pickle"))

    # -- framing -----------------------------------------------------------------------------------

    def _protocol(self) -> None:
        if self._read(1)[0] > 5:
            raise PickleError(N_("its pickle has a protocol of after 5"))

    def _frame(self) -> None:
        self._read(8)


#: Opcode to method.
_STEPS: Final[dict[int, str]] = {
    ord(code): name
    for code, name in {
        "N": "_none", "\x88": "_true", "\x89": "_false",
        "K": "_int1", "M": "_int2", "J": "_int4", "I": "_int_text", "L": "_int_text",
        "\x8a": "_long1", "\x8b": "_long4", "G": "_float", "F": "_float_text",
        "\x8c": "_text1", "X": "_text4", "\x8d": "_text8", "V": "_text_line",
        "S": "_old_text_line", "U": "_old_text1", "T": "_old_text4",
        "C": "_bytes1", "B": "_bytes4", "\x8e": "_bytes8", "\x96": "_bytes8",
        "(": "_mark", "0": "_drop", "1": "_drop_mark", "2": "_repeat",
        "]": "_new_list", "}": "_new_dict", "\x8f": "_new_set", ")": "_new_tuple",
        "\x85": "_tuple1", "\x86": "_tuple2", "\x87": "_tuple3", "t": "_tuple_mark",
        "l": "_list_mark", "d": "_dict_mark", "\x91": "_set_mark",
        "s": "_set_item", "u": "_set_items_mark", "a": "_append", "e": "_append_mark",
        "\x90": "_append_mark",
        "q": "_put1", "r": "_put4", "p": "_put_line", "\x94": "_put_next",
        "h": "_get1", "j": "_get4", "g": "_get_line",
        "c": "_global", "\x93": "_stack_global", "R": "_reduce", "\x81": "_new_object",
        "\x92": "_new_object_keywords", "i": "_instance", "o": "_object", "b": "_build",
        "Q": "_persistent", "P": "_persistent_line",
        "\x82": "_extension", "\x83": "_extension", "\x84": "_extension",
        "\x97": "_buffer", "\x98": "_buffer", "\x80": "_protocol", "\x95": "_frame",
    }.items()
}  # fmt: skip
