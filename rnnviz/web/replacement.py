"""A new site in the place of an old one: what users have put into the folder stays there.

The old site works until the new one is complete: its manifest is replaced last, so that a folder
whose replacement was interrupted is one that is to be made anew.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from rnnviz.web.files import NAMED_BY_CONTENT, PACKED

#: Says that a folder is a site, and of what it was built.
MANIFEST: Final = "site.json"
PAGES: Final = ("index.html", "app.html")


def is_own(name: str) -> bool:
    """Whether a file or folder at the top of a site has the name of a part of the site."""
    plain = name.removesuffix(PACKED)
    return plain in (*PAGES, MANIFEST) or NAMED_BY_CONTENT.fullmatch(name + "/") is not None


def replace(folder: Path, new: Path, old: Path) -> None:
    """Move the parts of a new site into a folder, and the earlier ones out of it into ``old``."""
    parts = sorted(new.iterdir(), key=lambda part: (part.name == MANIFEST, not part.is_dir()))
    names = {part.name for part in parts}
    for part in parts:
        place = folder / part.name
        if place.is_dir():
            place.rename(old / part.name)
        part.replace(place)
    for place in list(folder.iterdir()):
        if place.name not in names and is_own(place.name):
            place.rename(old / place.name)
