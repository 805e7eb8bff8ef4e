"""What an imported model is made of, as lines: conversions, assumptions, what is missing."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping
from typing import Any

from rnnviz.display import visible
from rnnviz.messages import _, translated

#: The most entries of a list that are printed.
_MOST = 12
#: Those on one line.
_FEW = 4


def report_lines(record: Mapping[str, Any]) -> Iterator[str]:
    """The field "imported" of a model's JSON, everything in it."""
    form = translated(str(record.get("format", "")))
    found = f"{form} {record.get('version', '')}".strip()
    name = record.get("file", "")
    yield visible(_("file: {name}").format(name=name) + (f" ({found})" if found else ""))
    if record.get("sha256"):
        yield visible(f"SHA-256: {record['sha256']}")
    yield from _list(_("not computed"), record.get("missing"))
    yield from _list(_("converted"), record.get("conversions"))
    yield from _list(_("note"), record.get("notes"))
    ignored = record.get("ignored")
    if isinstance(ignored, list):
        entries = [
            f"{e.get('name', '')}: {translated(str(e.get('reason', '')))}"
            for e in ignored
            if isinstance(e, dict)
        ]
        yield from _list(_("ignored"), entries)
    yield from assumption_lines(record, brief=False)


def assumption_lines(record: Mapping[str, Any], *, brief: bool = True) -> Iterator[str]:
    """The part that was taken and the assumptions; if ``brief`` what is missing on one line."""
    from rnnviz.model_files.stored_model import assumption_texts

    others = record.get("others")
    if isinstance(others, list) and others:
        part = record.get("part") or _("all")
        said = _("part: {part}. Others, with --part: {others}")
        yield visible(said.format(part=part, others=_quoted(others)))
    unused = record.get("unused")
    for option in unused if brief and isinstance(unused, list) else ():
        yield visible(_("{option}: nothing in this file asks for it").format(option=option))
    if brief and (missing := record.get("missing")) and isinstance(missing, list):
        yield visible(_("not computed: {names}").format(names=_listed(missing, _FEW)))
    for assumption in assumption_texts(record):
        yield visible(_("assumed: {assumption}").format(assumption=translated(assumption)))


def _list(name: str, entries: Any) -> Iterator[str]:
    """A line for each entry, up to a limit."""
    if not isinstance(entries, list):
        return
    for entry in entries[:_MOST]:
        yield visible(f"{name}: {translated(str(entry))}")
    if len(entries) > _MOST:
        yield f"{name}: " + _("{count} more").format(count=len(entries) - _MOST)


def _quoted(names: list[Any]) -> str:
    """Names as they are typed in a shell."""
    return _listed([shlex.quote(str(name)) for name in names])


def _listed(names: list[Any], most: int = _MOST) -> str:
    shown = ", ".join(translated(str(name)) for name in names[:most])
    if len(names) <= most:
        return shown
    return _("{names} and {count} more").format(names=shown, count=len(names) - most)
