"""Values of a lesson file's tables, in one language, each checked for its type."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rnnviz import i18n
from rnnviz.errors import nearest
from rnnviz.messages import _

#: The name of a key in a text: "{key.token_on}".
KEY_NAME = re.compile(r"\{key\.(\w+)\}")


class InvalidValueError(Exception):
    """What is wrong with a value, without the file and the step."""


@dataclass(frozen=True)
class TableReader:
    """Reads values of tables; ``keys`` is the key of each action, which texts name."""

    lang: str
    keys: Mapping[str, str]

    def _known(self, table: Mapping[str, Any], keys: Sequence[str]) -> None:
        for key in table:
            if key not in keys:
                raise InvalidValueError(
                    _("there is no key {key!r}.{hint}").format(key=key, hint=nearest(key, keys))
                )

    def _localized(self, table: Mapping[str, Any], key: str) -> Any:
        """The value of a key: of a table of languages, that of this one."""
        value = table.get(key)
        if isinstance(value, dict) and value and set(value) <= set(i18n.LANGUAGES):
            if self.lang not in value:
                raise InvalidValueError(
                    _("{key} has no text for {lang!r}.").format(key=key, lang=self.lang)
                )
            return value[self.lang]
        return value

    def _text(self, table: Mapping[str, Any], key: str, *, required: bool = False) -> str:
        value = self._localized(table, key)
        if value is None and not required:
            return ""
        if not isinstance(value, str) or (required and not value.strip()):
            if value is None:
                raise InvalidValueError(_("{key} is missing.").format(key=key))
            raise InvalidValueError(_("{key} is not a text.").format(key=key))
        return KEY_NAME.sub(lambda found: self.keys.get(found[1], found[0]), value.strip())

    def _texts(self, table: Mapping[str, Any], key: str) -> tuple[str, ...]:
        value = self._localized(table, key)
        listed = [] if value is None else value if isinstance(value, list) else [value]
        if not all(isinstance(entry, str) for entry in listed):
            raise InvalidValueError(_("{key} is not a list of texts.").format(key=key))
        return tuple(listed)

    def _integer(self, table: Mapping[str, Any], key: str, *, required: bool = False) -> int | None:
        value = self._localized(table, key)
        if value is None and not required:
            return None
        if type(value) is not int:
            if value is None:
                raise InvalidValueError(_("{key} is missing.").format(key=key))
            raise InvalidValueError(_("{key} is not an integer.").format(key=key))
        return value

    def _number(self, table: Mapping[str, Any], key: str) -> float:
        value = self._localized(table, key)
        if value is None:
            return 0.0
        if type(value) not in (int, float):
            raise InvalidValueError(_("{key} is not a number.").format(key=key))
        return float(value)

    def _flag(self, table: Mapping[str, Any], key: str) -> bool:
        value = table.get(key, False)
        if not isinstance(value, bool):
            raise InvalidValueError(_("{key} is true or false.").format(key=key))
        return value

    def _table(self, table: Mapping[str, Any], key: str, keys: Sequence[str]) -> dict[str, Any]:
        value = table.get(key, {})
        if not isinstance(value, dict):
            raise InvalidValueError(_("{key} is not a table.").format(key=key))
        self._known(value, keys)
        return value

    def _tables(self, table: Mapping[str, Any], key: str) -> list[dict[str, Any]]:
        value = table.get(key, [])
        listed = value if isinstance(value, list) else [value]
        if not all(isinstance(entry, dict) for entry in listed):
            raise InvalidValueError(_("{key} is not a table or a list of tables.").format(key=key))
        return listed
