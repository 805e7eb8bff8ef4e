"""``rnnviz handout``: a lesson or a trace as one page of HTML, for paper and for a screen."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from rnnviz.cli import completions, config_file, options, site_pages, stderr
from rnnviz.cli.step import text_arguments
from rnnviz.errors import UsageError
from rnnviz.messages import N_, _

if TYPE_CHECKING:
    from rnnviz.query import Explorer
    from rnnviz.tui.export.app_player import AppPlayer
    from rnnviz.tui.export.handout.document import HandoutSource

HELP = N_("""Write a lesson or a trace as one HTML page, to print and to step through.

WHAT is a lesson (its name, its number or its file), a trace that rnnviz step --save has written, or
a recording of --record, of which the page has the sentence that it shows longest. Several words
that are none of these are a text, which the net reads that rnnviz step would choose. With -m it is
the text that the model reads, and without a text its example.

On A4 the page has the pictures, blanks to fill in, the gradients of every step, one step to
compute by hand, the terms and, on the last sheet, the answers. In a browser the arrow keys step
through the same pictures. It loads nothing from elsewhere. In a folder of rnnviz serve --export the
page can also open the app.

\b
Examples:
  rnnviz handout not -o not.html                      a lesson
  rnnviz handout not -o not.html --no-answers         the same for those who answer
  rnnviz handout belt -o belt.html --lang tr
  rnnviz step "not good" --save t.trace && rnnviz handout t.trace -o t.html
  rnnviz handout "this movie was not good" -o text.html
  rnnviz handout -m sentiment-gru "not bad at all" -o gru.html
""")
ENDINGS = (".html", ".htm")


@click.command("handout", help=HELP, cls=text_arguments.TextCommand)
@click.argument("words", nargs=-1, metavar="[WHAT]", callback=text_arguments.unmarked,
                shell_complete=completions.lessons)  # fmt: skip
@click.option("-o", "--output", type=options.output_file(), metavar="FILE.html",
              help=N_("The file that is written."))  # fmt: skip
@click.option("-m", "--model", envvar="RNNVIZ_MODEL", metavar="NAME", 
              shell_complete=completions.models,
              help=N_("WHAT is a text, and this model reads it."))  # fmt: skip
@click.option("--answers/--no-answers", default=True,
              help=N_("With or without the answers on the last sheet."))  # fmt: skip
@options.lessons
@click.option("--data", metavar="DIR", help=N_("Where the table of a series model is."))
@options.lang
@options.device
@click.option("-q", "--quiet", is_flag=True, help=N_("Say nothing on stderr."))
@options.debug
def command(
    words: tuple[str, ...], output: Path | None, model: str | None, answers: bool,
    lessons: Path | None, data: str | None, lang: str | None, device: str, quiet: bool,
) -> None:  # fmt: skip
    """Trace what the page is of, then write it."""
    what, language = " ".join(words), options.language(lang)
    # A model of the environment or of the config reads texts; it makes no text of a lesson's name.
    usual = None
    source_of_model = click.get_current_context().get_parameter_source("model")
    if source_of_model is not click.core.ParameterSource.COMMANDLINE:
        model, usual = None, model
    if not what and model is None:
        raise UsageError(
            _("Name a lesson or a trace: rnnviz handout not -o not.html\nrnnviz lesson lists them.")
        )
    if output is None:
        raise UsageError(
            _("Name the file to write: rnnviz handout {what} -o FILE.html").format(
                what=shlex.quote(what)
            )
        )
    if output.suffix.lower() not in ENDINGS:
        raise UsageError(
            _("A handout is HTML; name a file that ends in .html: {path}").format(path=output)
        )
    source, explorer = _source(
        what, output, model, usual, lessons=lessons, data=data, lang=language, device=device,
        answers=answers,
    )  # fmt: skip
    from rnnviz.files import write_output
    from rnnviz.tui.export.handout.document import handout

    keymap = config_file.user_keymap()
    # The app tells what is right.
    player = _player(output, source, language) if answers else None
    page = handout(source, explorer, language, answers=answers, keymap=keymap, player=player)
    write_output(output, page)
    if not quiet:
        if source.lesson is None and _is_sentence(what) and model is None:
            stderr.say(_("{model} reads this. Another: -m MODEL").format(model=source.query.model))
        stderr.say(_("Written: {path}").format(path=output))
        site_pages.say_how_to_serve(output, player)


def _player(output: Path, source: HandoutSource, lang: str) -> AppPlayer | None:
    """The app for a page in a folder of ``rnnviz serve``: the lesson, else the trace."""
    if source.lesson is not None:
        found = site_pages.lesson_player(output, source.lesson)
        if found is not None:
            return found
    return site_pages.trace_player(output, source.trace, lang)


def _is_sentence(what: str) -> bool:
    """Whether it is several words, of which the last does not end as the name of a file does."""
    return len(what.split()) > 1 and not re.fullmatch(r".*\w\.[A-Za-z]\w*", what.strip())


def _source(
    what: str, output: Path, model: str | None, usual: str | None, *, lessons: Path | None,
    data: str | None, lang: str, device: str, answers: bool,
) -> tuple[HandoutSource, Explorer]:  # fmt: skip
    """What the page is of; UsageError if it is nothing, or if ``output`` would replace it."""
    from rnnviz.events.recording import is_recording
    from rnnviz.files import require_distinct
    from rnnviz.tui.export.handout.document import HandoutSource

    def made(*of: str) -> str:
        """The command that makes the page."""
        extra = [] if answers else ["--no-answers"]
        folder = [] if data is None else ["--data", data]
        words = ["rnnviz", "handout", *of, *folder, "-o", str(output), "--lang", lang, *extra]
        return shlex.join(words)

    def check(inputs: Iterable[Path]) -> None:
        require_distinct({"-o": output}, inputs)
        site_pages.check(output)

    if model is not None:
        return _of_text(what, model, made, check, data, device)
    path = Path(what).expanduser()
    if path.suffix != ".toml" and path.is_file():
        check([path])
        of_file = _of_recording if is_recording(path) else _of_trace
        return of_file(path, made(what), data, device)
    from rnnviz import explore
    from rnnviz.cli.lesson import own_folder
    from rnnviz.engine.device import choose_for_trace
    from rnnviz.lessons import catalogue
    from rnnviz.lessons.reader import read
    from rnnviz.tui.keymap import key_texts

    try:
        found = catalogue.find(what, own_folder(lessons))
    except UsageError as error:
        if _is_sentence(what):
            from rnnviz.tracer.known_words import choose_model

            return _of_text(what, usual or choose_model(what).model, made, check, data, device)
        if path.suffix not in ("", ".toml"):
            said = _("There is no file {path}. Make a trace: rnnviz step TEXT --save FILE").format(
                path=what
            )
            raise UsageError(said) from error
        from rnnviz.tracer.known_words import choose_model

        hint = _(
            "rnnviz lesson lists them. A text of one word: "
            "rnnviz handout -m {model} TEXT -o FILE.html"
        ).format(model=choose_model(what).model)
        raise UsageError(f"{str(error).splitlines()[0]}\n{hint}") from error
    check([found])
    lesson = read(found, lang, key_texts(config_file.user_keymap(), lang))
    explorer = explore.explorer(data or lesson.data, choose_for_trace(device))
    query = lesson.steps[0].query
    own = [] if lessons is None else ["--lessons", str(lessons)]
    return HandoutSource(query, explorer(query), made(what, *own), lesson), explorer


def _of_text(
    text: str, model: str, made: Callable[..., str], check: Callable[[Iterable[Path]], None],
    data: str | None, device: str,
) -> tuple[HandoutSource, Explorer]:  # fmt: skip
    """A text that a model reads; without one the model's example."""
    from rnnviz import explore
    from rnnviz.engine.device import choose_for_trace
    from rnnviz.model_files import locate
    from rnnviz.query import Query
    from rnnviz.tracer.model_cache import cached_model
    from rnnviz.tui.export.handout.document import HandoutSource

    check(locate(model))
    explorer = explore.explorer(data, choose_for_trace(device))
    query = Query(text or cached_model(model).example, model)
    words = [text] if text else []
    return HandoutSource(query, explorer(query), made("-m", model, *words)), explorer


def _of_trace(
    path: Path, command: str, data: str | None, device: str
) -> tuple[HandoutSource, Explorer]:
    """A trace of --save."""
    from rnnviz import explore
    from rnnviz.cli.step.trace_source import of_file
    from rnnviz.engine.device import choose_for_trace
    from rnnviz.tui.export.handout.document import HandoutSource

    traced = of_file(explore.explorer(data, choose_for_trace(device)), path)
    return HandoutSource(traced.query, traced.trace, command), traced.explorer


def _of_recording(
    path: Path, command: str, data: str | None, device: str
) -> tuple[HandoutSource, Explorer]:
    """The sentence that a recording of --record shows longest."""
    from rnnviz import explore
    from rnnviz.engine.device import choose_for_trace
    from rnnviz.tui.export.handout.document import HandoutSource
    from rnnviz.tui.replay.app import recorded_first
    from rnnviz.tui.replay.reader import read

    recording = read(path)
    view_state = recording.longest.view_state
    explorer = recorded_first(recording, explore.explorer(data, choose_for_trace(device)))
    trace = view_state.trace.source or view_state.trace
    return HandoutSource(view_state.query, trace, command), explorer
