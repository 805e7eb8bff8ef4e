"""What calls in a pickle may make: the few that the pickles of tensors and plain data need.

Every other call makes an :class:`UnknownObject`, which holds the name of what would be called.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping
from typing import Any, Final, cast

from rnnviz.interop.torch.pickle_values import (
    RAW_TYPES,
    STORAGE_TYPES,
    PickledName,
    StorageRecord,
    TensorRecord,
    UnknownObject,
    item_size,
)
from rnnviz.messages import N_

#: Modules and built-in functions that run programs or open files. A file of weights has no use for
#: them: one that names them was made to do harm, and nothing of it is read.
CODE_MODULES: Final = frozenset(
    "os posix nt subprocess sys shutil socket importlib runpy ctypes pty codeop webbrowser "
    "multiprocessing bdb pdb timeit cProfile marshal pickle _pickle io _io requests urllib".split()
)
CODE_BUILTINS: Final = frozenset(
    "eval exec execfile compile __import__ open input raw_input breakpoint apply file".split()
)
_BUILTINS: Final = ("builtins", "__builtin__", "__builtins__")
#: Most axes of a tensor, and the largest count of numbers that any size or offset may state.
_MAX_AXES, _MAX_COUNT = 16, 1 << 40
#: Keys of dictionaries and members of sets; others are compared by what they are, not what they
#: hold, because the hash of nested tuples takes exponential time.
_PLAIN_KEYS: Final = (str, bytes, bool, float, type(None))


def runs_code(name: PickledName) -> bool:
    """Whether a name is that of something that runs programs or opens files."""
    if name.module in _BUILTINS:
        return name.name.split(".", 1)[0] in CODE_BUILTINS
    return name.module.split(".", 1)[0] in CODE_MODULES


def key_of(value: Any) -> Any:
    """A value as a key whose hash takes constant time and does not collide on purpose."""
    if type(value) is int and abs(value) < 1 << 60:
        return value
    return value if isinstance(value, _PLAIN_KEYS) else UnknownObject(N_("a key"))


def storage_of(identifier: Any) -> Any:
    """The storage that a persistent id names; UnknownObject for another kind of id."""
    if not isinstance(identifier, tuple) or len(identifier) < 2:
        return UnknownObject(N_("persistent id"))
    if identifier[0] == "module":  # a class, its file and its source text
        return identifier[1]
    if identifier[0] != "storage" or len(identifier) < 5:
        return UnknownObject(N_("persistent id"))
    _, kind, key, _, count = identifier[:5]
    if isinstance(kind, TensorRecord | StorageRecord) or not isinstance(key, str | int):
        raise ValueError(N_("a storage has no type or no key"))
    name = kind.name if isinstance(kind, PickledName) else ""
    if name not in STORAGE_TYPES:
        return UnknownObject(
            N_("storage of the type {type}").format(type=kind if name else "unknown")[:80]
        )
    start = 0
    if len(identifier) > 5 and isinstance(identifier[5], tuple) and len(identifier[5]) == 3:
        start, count = _count(identifier[5][1]), identifier[5][2]
    return StorageRecord(str(key)[:200], STORAGE_TYPES[name], _count(count), start)


def called(name: PickledName, arguments: tuple[Any, ...]) -> Any:
    """What a call gives: plain data, the record of a tensor, or an UnknownObject."""
    if (name.module, name.name) in _RECONSTRUCT and arguments:
        return UnknownObject(str(arguments[0])[:200])
    make = CALLS.get((name.module, name.name))
    return UnknownObject(str(name)[:200]) if make is None else make(*arguments[:8])


def _count(value: Any) -> int:
    if type(value) is not int or not 0 <= value <= _MAX_COUNT:
        raise ValueError(N_("a size, stride or offset of a tensor is not a plausible number"))
    return value


def _counts(values: Any) -> tuple[int, ...]:
    if not isinstance(values, tuple | list) or len(values) > _MAX_AXES:
        raise ValueError(N_("the size of a tensor is not a list of at most 16 numbers"))
    return tuple(_count(value) for value in values)


def _tensor(storage: Any, offset: Any, shape: Any, strides: Any, *rest: Any) -> Any:
    if isinstance(storage, UnknownObject):
        return UnknownObject(N_("tensor in a {kind}").format(kind=storage.of))
    if not isinstance(storage, StorageRecord):
        raise ValueError(N_("a tensor has no storage"))
    sizes, steps = _counts(shape), _counts(strides)
    if len(sizes) != len(steps):
        raise ValueError(
            N_("a tensor has {sizes} sizes and {strides} strides").format(
                sizes=len(sizes), strides=len(steps)
            )
        )
    return TensorRecord(storage, _count(offset), sizes, steps, storage.dtype)


def _untyped_tensor(
    storage: Any, offset: Any, shape: Any, strides: Any,
    grad: Any = None, hooks: Any = None, dtype: Any = None, *rest: Any,
) -> Any:  # fmt: skip
    tensor = _tensor(storage, offset, shape, strides)
    name = dtype.name if isinstance(dtype, PickledName) else ""
    if not isinstance(tensor, TensorRecord) or name not in RAW_TYPES:
        return UnknownObject(N_("tensor of the type {type}").format(type=name or "unknown")[:80])
    return TensorRecord(storage, tensor.offset, tensor.shape, tensor.strides, name)


def _packed_storage(data: Any = b"", *rest: Any) -> StorageRecord:
    if not isinstance(data, bytes):
        raise ValueError(N_("a storage in the pickle is not written as bytes"))
    return StorageRecord("", "", 0, packed=data)


def _parameter(tensor: Any, *rest: Any) -> Any:
    return tensor


def _subclass(function: Any, kind: Any, arguments: Any, *rest: Any) -> Any:
    if isinstance(function, PickledName) and isinstance(arguments, tuple):
        if (function.module, function.name) in _REBUILD:
            return called(function, arguments)
    return UnknownObject(N_("tensor of another class"))


def _dictionary(pairs: Any = (), *rest: Any) -> dict[Any, Any]:
    if isinstance(pairs, dict):
        return dict(pairs)
    found: dict[Any, Any] = {}
    for pair in pairs if isinstance(pairs, list | tuple) else ():
        if isinstance(pair, list | tuple) and len(pair) == 2:
            found[key_of(pair[0])] = pair[1]
    return found


def _default_dictionary(factory: Any = None, pairs: Any = (), *rest: Any) -> dict[Any, Any]:
    return _dictionary(pairs)


def _set(members: Any = (), *rest: Any) -> set[Any]:
    return {key_of(m) for m in (members if isinstance(members, list | tuple | set) else ())}


def _list(members: Any = (), *rest: Any) -> list[Any]:
    return list(members) if isinstance(members, list | tuple) else []


def _tuple(members: Any = (), *rest: Any) -> tuple[Any, ...]:
    return tuple(members) if isinstance(members, list | tuple) else ()


def _bytes(text: Any = "", encoding: Any = "latin1", *rest: Any) -> bytes:
    """``_codecs.encode(text, "latin1")``, which is how bytes are pickled for Python 2."""
    if not isinstance(text, str):
        raise ValueError(N_("bytes are not written as text"))
    return text.encode("utf-8" if encoding == "utf-8" else "latin1", "replace")


def _bytes_object(data: Any = b"", *rest: Any) -> bytes:
    return data if isinstance(data, bytes) else b""


def _numpy_dtype(code: Any = "", *rest: Any) -> UnknownObject:
    return UnknownObject("numpy.dtype", code)


def _numpy_array(*arguments: Any) -> TensorRecord:
    """An array of NumPy without numbers; ``fill_array`` gives it those of its state."""
    return TensorRecord(StorageRecord("", "uint8", 0, raw=b""), 0, (0,), (1,), "object")


def _numpy_buffer(data: Any = b"", dtype: Any = None, shape: Any = (), order: Any = "C") -> Any:
    array = _numpy_array()
    fill_array(array, (1, shape, dtype, order == "F", data))
    return array


def fill_array(array: TensorRecord, state: Any) -> None:
    """Give an array of NumPy its state: (version, shape, dtype, columns first, bytes).

    An array of objects or texts stays without numbers, of the dtype "object".
    """
    if not isinstance(state, tuple) or len(state) != 5 or not isinstance(state[4], bytes):
        return
    code = state[2].state if isinstance(state[2], UnknownObject) else None
    code = code if isinstance(code, str) else ""
    dtype = _NUMPY_TYPES.get(code.lstrip("<=|"))
    if dtype is None:
        return
    shape, strides, step = _counts(state[1]), [], 1
    for size in shape if state[3] is True else reversed(shape):
        strides.append(step)
        step *= size
    if step * item_size(dtype) != len(state[4]):
        raise ValueError(N_("an array has a shape that its bytes do not fit"))
    array.storage = StorageRecord("", dtype, step, raw=state[4])
    array.shape, array.dtype = shape, dtype
    array.strides = tuple(strides if state[3] is True else reversed(strides))


def order_dtype(dtype: UnknownObject, state: Any) -> None:
    """Add the byte order in the state of a dtype of NumPy, (3, "<", …), to its code."""
    if isinstance(state, tuple) and len(state) > 1 and state[1] in ("<", ">", "|", "="):
        if isinstance(dtype.state, str) and len(dtype.state) < 10:
            dtype.state = state[1] + dtype.state.lstrip("<>|=")


def _numpy_scalar(dtype: Any = None, data: Any = b"", *rest: Any) -> Any:
    """A number that NumPy saved."""
    code = dtype.state if isinstance(dtype, UnknownObject) else None
    formats = {"f8": "<d", "f4": "<f", "i8": "<q", "i4": "<i", "b1": "<?", "u1": "<B"}
    text = formats.get(code.lstrip("<=|"), "") if isinstance(code, str) else ""
    if isinstance(data, bytes) and text and len(data) == struct.calcsize(text):
        return struct.unpack(text, data)[0]
    return UnknownObject(N_("number of NumPy"))


#: Functions that make an object of a class, their first argument.
_RECONSTRUCT: Final = {("copyreg", "_reconstructor"), ("copy_reg", "_reconstructor")}
_CORES: Final = ("core", "_core")  # NumPy 1 and 2
_NUMPY_TYPES: Final = {
    "f8": "float64", "f4": "float32", "f2": "float16", "i8": "int64", "i4": "int32",
    "i2": "int16", "i1": "int8", "u1": "uint8", "b1": "bool",
}  # fmt: skip
_REBUILD: Final = {
    ("torch._utils", "_rebuild_tensor"): _tensor,
    ("torch._utils", "_rebuild_tensor_v2"): _tensor,
    ("torch._utils", "_rebuild_tensor_v3"): _untyped_tensor,
    ("torch._utils", "_rebuild_parameter"): _parameter,
    ("torch._utils", "_rebuild_parameter_with_state"): _parameter,
    ("torch.nn.parameter", "Parameter"): _parameter,
    ("torch._tensor", "_rebuild_from_type_v2"): _subclass,
}
CALLS: Final = cast(
    Mapping[tuple[str, str], Callable[..., Any]],
    {
        **_REBUILD,
        ("collections", "OrderedDict"): _dictionary,
        ("collections", "defaultdict"): _default_dictionary,
        ("collections", "Counter"): _dictionary,
        ("torch.storage", "_load_from_bytes"): _packed_storage,
        ("torch", "Size"): _tuple,
        ("torch", "device"): lambda kind="", *rest: kind if isinstance(kind, str) else "",
        ("_codecs", "encode"): _bytes,
        ("numpy", "dtype"): _numpy_dtype,
        **{(f"numpy.{core}.multiarray", "scalar"): _numpy_scalar for core in _CORES},
        **{(f"numpy.{core}.multiarray", "_reconstruct"): _numpy_array for core in _CORES},
        **{(f"numpy.{core}.numeric", "_frombuffer"): _numpy_buffer for core in _CORES},
        **{(m, "set"): _set for m in _BUILTINS},
        **{(m, "frozenset"): _set for m in _BUILTINS},
        **{(m, "list"): _list for m in _BUILTINS},
        **{(m, "tuple"): _tuple for m in _BUILTINS},
        **{(m, "dict"): _dictionary for m in _BUILTINS},
        **{(m, name): _bytes_object for m in _BUILTINS for name in ("bytes", "bytearray")},
    },
)
