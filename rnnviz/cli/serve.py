"""``rnnviz serve``: the same app in a browser, for a class without Python."""

from __future__ import annotations

import shlex
import webbrowser
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

import click

from rnnviz.cli import options, stdout
from rnnviz.cli.commands import LocalizedCommand
from rnnviz.cli.data import download_progress
from rnnviz.cli.stderr import say
from rnnviz.errors import RnnvizError, UsageError, system_reason
from rnnviz.messages import N_, _

if TYPE_CHECKING:
    from rnnviz.web.server import FileServer

HELP = N_("""Serve the app to a browser; ARGS is a command line of rnnviz that it opens.

The browser runs everything: Python in WebAssembly (Pyodide), NumPy, rnnviz. The first time these
are downloaded by their hashes, some 17 MB; --runtime takes them from a folder instead.

\b
Examples:
  rnnviz serve                                 opens the browser: lessons, models, keys
  rnnviz serve step --view reach "not bad"     opens this
  rnnviz serve lesson not --lang tr
  rnnviz serve --host 0.0.0.0                  for a class: other machines may ask, too
  rnnviz serve --export site                   the folder, for any web host
  rnnviz serve --folder site                   that folder, with the reports in it

Only this machine can ask, unless --host says otherwise. It hands out files and takes none.
""")
PORT = 8765
#: A camera needs dark modules on light ones, whatever the theme.
_WHITE_ON_BLACK = "\x1b[38;2;255;255;255;48;2;0;0;0m"


@click.command(
    "serve", help=HELP, cls=LocalizedCommand, context_settings={"allow_interspersed_args": False}
)
@click.argument("words", nargs=-1, type=click.UNPROCESSED, metavar="[ARGS]...")
@click.option("--host", default="127.0.0.1", show_default=True, metavar="ADDRESS",
              help=N_("Listen on this address; 0.0.0.0 is every one of this machine."))  # fmt: skip
@click.option("--port", type=click.IntRange(0, 65535), metavar="N",
              help=N_("Listen on this port; without it on 8765, or any that is free."))  # fmt: skip
@click.option("--export", type=click.Path(path_type=Path, file_okay=False), metavar="DIR",
              help=N_("Write the folder for a web host and stop."))  # fmt: skip
@click.option("--folder", type=click.Path(path_type=Path, file_okay=False), metavar="DIR",
              help=N_("Serve this folder, as --export writes it, and what lies in it."),
              )  # fmt: skip
@click.option("--runtime", type=click.Path(path_type=Path), metavar="DIR",
              help=N_("Take Pyodide, NumPy and xterm.js from this folder."))  # fmt: skip
@click.option("--open/--no-open", "opens", default=True, help=N_("Open the browser."))
@click.option("-q", "--quiet", is_flag=True, help=N_("Print the address alone."))
@options.debug
def command(
    words: tuple[str, ...], host: str, port: int | None, export: Path | None,
    folder: Path | None, runtime: Path | None, opens: bool, quiet: bool,
) -> int:  # fmt: skip
    """Build the folder, then serve it until ctrl+c."""
    from rnnviz import network_addresses
    from rnnviz.web.compiling import chromium
    from rnnviz.web.site import build_site, cache_folder, is_current

    if export is not None and folder is not None:
        raise UsageError(_("Give --export or --folder, not both."))
    host = network_addresses.listening_host(host)
    target = export or folder or cache_folder() / "site"
    if not quiet and not is_current(target):
        say(_("Building the folder; this takes half a minute, once for each version of rnnviz."))
    with download_progress(quiet) as show:
        folder = build_site(target, runtime, show, program=chromium())
    if export is not None:
        if not quiet:
            say(_("Upload this folder to a web host; it needs no program there."))
        stdout.path(folder)
        return 0
    server = _listening(folder, host, port)
    path = "/app.html?" + quote(shlex.join(words)) if words else "/"
    shown = (
        "localhost"
        if network_addresses.is_loopback(host)
        else network_addresses.own_addresses(host)
    )
    if isinstance(shown, str):
        address = network_addresses.link(host if host != "127.0.0.1" else shown, server.port, path)
        stdout.lines(address)
    else:
        address = network_addresses.link("localhost", server.port, path)
        _say_open(server, shown, path, quiet)
    if not quiet:
        say(_("ctrl+c ends it."))
    if opens:
        webbrowser.open(address)
    try:
        server.serve_forever(poll_interval=0.5)
    finally:
        server.server_close()
    return 0


def _listening(folder: Path, host: str, port: int | None) -> FileServer:
    """The server on this port; without one on PORT, or if that is taken on a free one."""
    from rnnviz import network_addresses
    from rnnviz.web.server import FileServer

    names = (
        ()
        if network_addresses.is_loopback(host)
        else (host, *network_addresses.own_addresses(host))
    )
    for tried in (PORT, 0) if port is None else (port,):
        try:
            return FileServer(folder, host, tried, names)
        except OSError as error:
            if port is None and tried:
                continue
            raise UsageError(
                _("Cannot listen on {host}, port {port}: {reason}.").format(
                    host=host, port=tried, reason=system_reason(error)
                )
            ) from error
        except UnicodeError as error:
            raise UsageError(_("{host!r} is no address.").format(host=host[:80])) from error
    raise RnnvizError(_("There is no free port."))


def _say_open(server: FileServer, hosts: list[str], path: str, quiet: bool) -> None:
    """Tell, before anything is asked, that others may ask; the addresses and a QR code."""
    from rnnviz import network_addresses

    urls = [network_addresses.link(host, server.port, path) for host in hosts]
    say(_("Every machine in this network can ask for these files:"))
    for each in urls:
        stdout.lines(each)
    if not urls:
        say(_("This machine has no address in a network; only it can ask."))
        return
    if quiet or not options.stdout_is_terminal():
        return
    try:
        code = network_addresses.qr_lines(urls[0])
    except ImportError:
        say(_("For a QR code: pip install 'rnnviz[serve]'"))
        return
    for line in code:
        stdout.coloured(f"{_WHITE_ON_BLACK}{line}\x1b[0m")
