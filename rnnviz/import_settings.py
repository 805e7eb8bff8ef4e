"""What a user says about a file of another framework, and how a model's name carries it.

``lstm.h5#part=lstm_2&vocab=words.txt`` is the file ``lstm.h5`` with two settings. Wherever a model
is named, such a name can stand; the options of the command line make one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from urllib.parse import parse_qsl, quote, urlencode

from rnnviz.errors import UsageError, nearest
from rnnviz.messages import _

#: What can be said, each by an option of the same name: the valid values, () for any. Those in
#: ``NUMBERS`` are whole numbers.
SETTINGS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "part": (),
        "vocab": (),
        "vocab-offset": (),
        "tokenizer": ("words", "keras", "vectorization", "characters", "spaces"),
        "labels": (),
        "length": (),
        "padding": ("front", "end"),
        "activation": (),
        "gate-activation": (),
        "reset-after": ("yes", "no"),
        "head": ("last", "end", "steps", "none"),
        "output": (),
        "dense-activation": (),
        "update": ("keeps", "renews"),
        "concat": ("hx", "xh"),
        "config": (),
    }
)
#: Names of activations, of which each place takes a part.
ACTIVATIONS = (
    "tanh", "sigmoid", "relu", "linear", "hard_sigmoid", "hard_sigmoid_sixth", "hard_tanh",
    "leaky_relu", "softsign", "softplus", "elu", "selu", "softmax",
)  # fmt: skip
NUMBERS = ("vocab-offset", "length")


@dataclass(frozen=True)
class ImportSettings:
    """The settings of one file, in the order of ``SETTINGS``; UsageError for an invalid one."""

    values: tuple[tuple[str, str], ...] = ()

    def __post_init__(self) -> None:
        """Check names and values."""
        for name, value in self.values:
            _check(name, value)

    def __bool__(self) -> bool:
        return bool(self.values)

    @classmethod
    def of(cls, values: Mapping[str, str | None]) -> ImportSettings:
        """Those that are not None."""
        given = [(name, value) for name, value in values.items() if value is not None]
        order = list(SETTINGS)
        given.sort(key=lambda pair: order.index(pair[0]) if pair[0] in SETTINGS else 0)
        return cls(tuple(given))

    def get(self, name: str) -> str | None:
        """The value of a setting, None where it is not given."""
        return dict(self.values).get(name)

    def number(self, name: str) -> int | None:
        """The value of a setting that is a whole number."""
        value = self.get(name)
        return None if value is None else int(value)

    def named(self, path: str) -> str:
        """The name of a model: the path, and the settings behind a #."""
        text = urlencode(self.values, quote_via=quote, safe="/,.:")
        return f"{path}#{text}" if text else path

    @property
    def options(self) -> str:
        """As options of a command line, for messages."""
        return " ".join(f"--{name} {value}" for name, value in self.values)


def split_name(name: str) -> tuple[str, ImportSettings]:
    """The path in a model's name, and its settings; UsageError for unknown ones.

    Only what has a = behind the # is a setting: other names keep their #.
    """
    path, mark, text = name.rpartition("#")
    if not mark or not path or "=" not in text:
        return name, ImportSettings()
    return path, ImportSettings.of(dict(parse_qsl(text, keep_blank_values=True)))


def _check(name: str, value: str) -> None:
    choices = SETTINGS.get(name)
    if choices is None:
        raise UsageError(
            _("{name!r} is no setting of a model file.{similar} Settings: {names}.").format(
                name=name, similar=nearest(name, SETTINGS), names=", ".join(SETTINGS)
            )
        )
    if not value:
        raise UsageError(_("--{name} needs a value.").format(name=name))
    if name in NUMBERS and not (value.isascii() and value.isdecimal() and len(value) < 8):
        raise UsageError(
            _("--{name} {value}: expected a whole number.").format(name=name, value=value)
        )
    if choices and value not in choices:
        raise UsageError(
            _("--{name} {value}: expected {others} or {last}.{similar}").format(
                name=name,
                value=value,
                others=", ".join(choices[:-1]),
                last=choices[-1],
                similar=nearest(value, choices),
            )
        )
