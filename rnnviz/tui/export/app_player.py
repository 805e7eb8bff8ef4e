"""The app as a part of a report or a handout that lies in a folder of ``rnnviz serve``.

The page shows all that it shows elsewhere, and a button that opens the app in a frame. Without
JavaScript, on paper and where the page is opened as a file the button is not there.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib.resources import files

from rnnviz import i18n
from rnnviz.display import markup

#: What a page with the app may use besides: frames of its own host.
FRAMES = "frame-src 'self'"


@dataclass(frozen=True)
class AppPlayer:
    """The app that a page opens: its address, relative to the page, and what it shows.

    ``size``: the bytes that a browser loads the first time.
    """

    address: str
    title: str
    size: int
    lang: str

    def section(self) -> str:
        """The button, and the place of the frame."""
        title, size = markup(f"rnnviz: {self.title}"), f"{self.size / 1e6:.0f}"
        return (
            f'<section class="app-player" hidden aria-labelledby="app-title" '
            f'data-title="{title}" data-close="{self._say("close")}">\n'
            f'<h2 id="app-title">{self._say("title")}</h2>\n'
            f"<p>{self._say('about', size=size)}</p>\n"
            f'<p class="open"><button type="button" aria-expanded="false" '
            f'aria-controls="app-frame">{self._say("open")}</button> '
            f'<a href="{markup(self.address)}">{self._say("alone")}</a></p>\n'
            f'<div id="app-frame"></div>\n</section>'
        )

    @property
    def style(self) -> str:
        """The style sheet of the section."""
        return _resource("app_player.css")

    @property
    def script(self) -> str:
        """The script that shows the section and opens the frame."""
        return _resource("app_player.js")

    def _say(self, key: str, **values: object) -> str:
        return markup(i18n.text(f"app_player.{key}", self.lang, **values))


def _resource(name: str) -> str:
    return files(__package__).joinpath(name).read_text("utf-8")
