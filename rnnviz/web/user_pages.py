"""Pages of users in the folder of a site: reports and handouts from which the app can be opened.

What the app opens lies beside the page, and the address names it: ``app.html?step --open
page.trace#file=reports/good.html.trace``. The worker fetches the file and gives it the name that
the command line has, so that no name of a file becomes part of a command.
"""

from __future__ import annotations

import os
import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import Final
from urllib.parse import quote

from rnnviz.errors import UsageError, shortened
from rnnviz.messages import _
from rnnviz.tui.export.app_player import AppPlayer
from rnnviz.web.files import PACKED
from rnnviz.web.replacement import is_own
from rnnviz.web.site import read_manifest

#: The name of the file in the app, before its ending.
IN_APP: Final = "page"
#: The longest title, in characters.
_LONGEST_TITLE: Final = 80


def site_of(page: Path) -> Path | None:
    """The folder of the site that a page is in, or will be; None outside of one.

    UsageError for the name of a part of the site, which the next version would replace.
    """
    place = page.resolve()
    for folder in place.parents:
        if read_manifest(folder) is not None:
            if is_own(place.relative_to(folder).parts[0]):
                raise UsageError(
                    _(
                        "{path} is a part of the app in {folder}, which rnnviz serve writes anew. "
                        "Name another file."
                    ).format(path=page, folder=folder)
                )
            return folder
    return None


def beside(page: Path, ending: str) -> Path:
    """The file beside a page that the app opens."""
    place = page.resolve()
    return place.with_name(place.name + ending)


def app_player(
    site: Path, page: Path, words: Sequence[str], title: str, lang: str, file: Path | None = None
) -> AppPlayer:
    """The app for a page in a site: a command line, and the file that it names as IN_APP."""
    up = Path(os.path.relpath(site, page.resolve().parent)).as_posix()
    address = f"{up}/app.html?" + quote(shlex.join(words), safe="")
    if file is not None:
        address += "#file=" + quote(os.fsencode(file.relative_to(site).as_posix()), safe="/")
    return AppPlayer(address, shortened(title, _LONGEST_TITLE), first_load(site), lang)


def first_load(site: Path) -> int:
    """The bytes that a browser loads before the first screen."""
    manifest = read_manifest(site) or {}
    core = (site / str(manifest.get("runtime", "runtime"))).glob("pyodide.*")
    paths = [path for path in core if path.suffix != PACKED]
    if manifest.get("first"):
        paths.append(site / manifest["first"]["path"])
    pairs = [(path.with_name(path.name + PACKED), path) for path in paths]
    return sum(next((each.stat().st_size for each in pair if each.is_file()), 0) for pair in pairs)
