"""Where the trace of ``rnnviz step`` comes from: a text and a model, a net by hand, or a file."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from rnnviz.cli import import_report, stdin
from rnnviz.cli.stderr import say
from rnnviz.cli.step import toy_net_options
from rnnviz.cli.step.step_options import StepOptions
from rnnviz.errors import UsageError
from rnnviz.files import user_path
from rnnviz.lookup import DEFAULT
from rnnviz.messages import _, language
from rnnviz.toy_net import EXAMPLE

#: What is read without TEXT and without the name of a model, by language; else the model's example.
DEFAULT_TEXTS = {"tr": "bu film güzel değildi"}
#: The tokens of a text up to which each is left out once.
MOST_LEFT_OUT = 40

#: From which length on a text to write on is opened with the trace of its beginning, and that
#: beginning, in characters.
LONG, BEGINNING = 100, 60

if TYPE_CHECKING:
    from rnnviz.analysis.interventions import OutputsWithout
    from rnnviz.initial_states import InitialState
    from rnnviz.query import Explorer, Query, Question
    from rnnviz.trace import Trace


class TracedQuery(NamedTuple):
    """A trace, the query it answers, and the explorer that answers further ones.

    ``whole`` is the query of a long text of which the trace has the beginning.
    """

    explorer: Explorer
    query: Query
    trace: Trace
    whole: Query | None = None

    def with_model(self, model: str) -> TracedQuery:
        """The same query with another model."""
        query = replace(self.query, model=model)
        return self._replace(query=query, trace=self.explorer(query))

    def without_each_token(self) -> OutputsWithout | None:
        """The outputs at the end without each token; None of a series and of a long text.

        None, too, of a saved trace whose net is not here: only the net can read the rest.
        """
        from rnnviz.analysis.interventions import LeaveOutQuestion

        if self.trace.series is not None or len(self.trace.tokens) > MOST_LEFT_OUT:
            return None
        try:
            found: OutputsWithout = self.explorer(LeaveOutQuestion(self.query))
        except UsageError:
            return None
        return found

    def beside(self, option: str, **changes: Any) -> Trace:
        """The trace of a changed query; what cannot be read is an error of this option."""
        try:
            trace: Trace = self.explorer(replace(self.query, **changes))
        except UsageError as error:
            raise UsageError(f"{option}: {error}") from error
        return trace


def input_files(step: StepOptions) -> Sequence[Path]:
    """The files that will be read; UsageError for options that do not go together."""
    if step.saved_trace is not None:
        others = (
            step.words, step.explicit_model, step.cell, step.target, step.random, step.clamps,
            step.input_file, step.state, step.toy_net.initial,
        )  # fmt: skip
        given = any(other not in (None, ()) for other in others)
        if given or step.settings or step.toy_net.changes:
            raise UsageError(
                _(
                    "--open shows a trace as it was saved; leave TEXT, --input, --model, --cell, "
                    "--units, --net, --set, --target, --random, --clamp, --initial and --state "
                    "out."
                )
            )
        return [step.saved_trace]
    read = [path for path in (step.state, step.input_file) if path is not None]
    if step.toy_net:
        return [*read, *([] if step.toy_net.net is None else [Path(step.toy_net.net)])]
    from rnnviz.model_files import locate

    return [*read, *locate(_model(step))]


def read(step: StepOptions, *, begins: bool = False) -> TracedQuery:
    """The trace; RnnvizError with a message for the user where there can be none.

    ``begins``: the page of a net that writes is opened, which needs no more than the beginning.
    """
    from rnnviz import explore
    from rnnviz.clamps import parse
    from rnnviz.engine.device import choose_for_trace
    from rnnviz.query import Query
    from rnnviz.tracer.known_words import choose_model

    clamps = tuple(parse(clamp) for clamp in step.clamps)
    explorer = explore.explorer(step.data, choose_for_trace(step.device))
    if step.saved_trace is not None:
        return of_file(explorer, step.saved_trace)
    text = _text(step)
    if step.toy_net:
        if step.settings or step.input_file:
            raise UsageError(
                _("A net by hand is no model file: leave --input and its options out.")
            )
        query = toy_net_options.query(
            step.toy_net, text, cell=step.cell, model=step.explicit_model, target=step.target,
            random=step.random,
        )  # fmt: skip
        query = replace(query, clamps=(*query.clamps, *clamps), initial=_file_states(step))
    else:
        name = _model(step)
        if text is None and step.chooses_model and step.target is None and step.state is None:
            text = DEFAULT_TEXTS.get(language())
        if step.chooses_model and text is not None:
            name = choose_model(text).model
        if step.input_file is not None:
            _check_reads_numbers(name)
        query = Query(
            _example(name) if text is None else text, name, step.target, step.random, clamps,
            initial=(*_file_states(step), *_typed_states(step)),
        )  # fmt: skip
    if begins and step.at is None and _is_long_writing(query):
        first = replace(query, text=query.text[:BEGINNING])
        return TracedQuery(explorer, first, explorer(first), query)
    return TracedQuery(explorer, query, explorer(query))


def _is_long_writing(query: Query) -> bool:
    """Whether the trace of a text for a net that writes would keep the screen waiting."""
    from rnnviz.tracer.model_cache import cached_model

    long = len(query.text) > LONG and query.hand is None and not query.clamps
    return long and cached_model(query.model).writes


def _file_states(step: StepOptions) -> tuple[InitialState, ...]:
    """The states of --state."""
    from rnnviz.initial_states import read_states

    return () if step.state is None else read_states(user_path(step.state))


def _typed_states(step: StepOptions) -> tuple[InitialState, ...]:
    """The states of --initial; those of a net by hand are part of the net."""
    from rnnviz.initial_states import parse

    return () if step.toy_net.initial is None else parse(step.toy_net.initial)


def _model(step: StepOptions) -> str:
    """The name of the model; UsageError for a cell that no sentiment model has."""
    from rnnviz.model_files import DEFAULT, shipped

    cell = step.cell
    if step.explicit_model is not None and cell:
        raise UsageError(_("Give --model or --cell, not both."))
    if step.settings and (step.model is None or not user_path(step.model).exists()):
        raise UsageError(
            _("{options} is for files of other frameworks: rnnviz step -m FILE").format(
                options=step.settings.options
            )
        )
    if cell is None:
        return DEFAULT if step.model is None else step.settings.named(step.model)
    if f"sentiment-{cell}" not in shipped():
        raise UsageError(
            _(
                "--cell {cell}: no sentiment model has it, but a net by hand:\n"
                'rnnviz step --units 1 --cell {cell} "{example}"'
            ).format(cell=cell, example=EXAMPLE)
        )
    return f"sentiment-{cell}"


def _text(step: StepOptions) -> str | None:
    """The text of the command line, of --input or of the pipe; None when none is there."""
    words = step.words
    if step.input_file is not None:
        from rnnviz.data.vectors import file_text

        if words:
            raise UsageError(_("Give TEXT or --input, not both."))
        return file_text(step.input_file)
    if words and words != ("-",):
        return " ".join(words)
    if not words and not stdin.is_piped():
        return None
    return stdin.read()


def _check_reads_numbers(model: str) -> None:
    """UsageError for --input with a model that reads anything but numbers."""
    from rnnviz.data.series import Scaling
    from rnnviz.data.token_ids import TokenIds
    from rnnviz.data.vectors import Vectors
    from rnnviz.tracer.model_cache import cached_model

    encoder = cached_model(model).encoder
    if isinstance(encoder, Vectors):
        return
    if isinstance(encoder, Scaling):
        raise UsageError(
            _(
                "{model} reads windows of its own table, not --input FILE. Name a window: "
                "rnnviz step -m {quoted} 1"
            ).format(model=model, quoted=shlex.quote(model))
        )
    said = _("--input is for models that read numbers; {model} reads words.")
    if isinstance(encoder, TokenIds):
        said = _("--input is for models that read numbers; {model} reads ids.")
    remedy = _("A text in a file: rnnviz step -m {quoted} < FILE")
    raise UsageError(f"{said} {remedy}".format(model=model, quoted=shlex.quote(model)))


def narrate(step: StepOptions, traced: TracedQuery) -> None:
    """Say on stderr what was assumed about a model file, and which text is read without TEXT."""
    if step.saved_trace is not None or step.toy_net:
        return
    from rnnviz.data.token_ids import TokenIds
    from rnnviz.data.vectors import Vectors
    from rnnviz.tracer.model_cache import cached_model

    if step.chooses_model and traced.query.model != DEFAULT:
        _say_choice(traced.query.text)
    elif not step.chooses_model:
        _say_better_known(traced.query)
    stored = cached_model(traced.query.model)
    record = stored.record.get("imported")
    if stored.is_foreign and isinstance(record, dict):
        for line in import_report.assumption_lines(record):
            say(line)
    if step.words or step.input_file or traced.query.text != stored.example:
        return
    if isinstance(stored.encoder, Vectors):
        say(
            _(
                "{count} steps of random numbers, seed 0. Give your own as TEXT ({width} a "
                "step) or with --input FILE."
            ).format(count=len(traced.trace.tokens), width=len(stored.encoder))
        )
    elif isinstance(stored.encoder, TokenIds):
        say(
            _("Random ids, seed 0. Give your own, from 0 to {last:,}, as TEXT.").format(
                last=len(stored.encoder) - 1
            )
        )


def _say_choice(text: str) -> None:
    """Say that a text chose another net than the default one, and how to name one."""
    from rnnviz.tracer.known_words import choose_model

    choice = choose_model(text)
    chosen, others = choice.chosen, choice.others
    say(
        _("{model} reads this: it knows {known} of {words} words, {others}. Another: -m MODEL")
        .format(
            model=chosen.model, known=chosen.known, words=chosen.words,
            others=", ".join(f"{each.model} {each.known}" for each in others),
        )
    )  # fmt: skip


def _say_better_known(query: Query) -> None:
    """Say which net of the same task knows more words of the text than the one that was named."""
    from rnnviz.tracer.known_words import better_known

    count = better_known(query.text, query.model)
    if count is not None:
        say(
            _("{model} knows {known} of the {words} words: -m {model}").format(
                model=count.model, known=count.known, words=count.words
            )
        )


def _example(model: str) -> str:
    from rnnviz.tracer.model_cache import cached_model

    return cached_model(model).example


def of_file(explorer: Explorer, path: Path) -> TracedQuery:
    """A trace of --save, and the query that reads its text once more."""
    from rnnviz.analysis.toy_net import toy_net_of
    from rnnviz.model_files.stored_model import seeded
    from rnnviz.query import Query
    from rnnviz.trace.file import open_trace

    trace = open_trace(path)
    name, seed = seeded(trace.model)
    query = Query(trace.text, name, trace.head.target, seed, trace.clamps, toy_net_of(trace),
                  trace.given_states)  # fmt: skip
    return TracedQuery(_with_saved_weights(explorer, query, trace, path), query, trace)


def _with_saved_weights(explorer: Explorer, query: Query, trace: Trace, path: Path) -> Explorer:
    """The explorer, but UsageError for the trace's own model if it has other weights by now.

    A file keeps a model's name. Another net may have that name here, or none: what is compared
    with the trace would come from other weights without any sign of it.
    """

    @cache
    def same_weights() -> bool:
        try:
            return _same_weights(explorer(query), trace)
        except UsageError:
            return False

    def answer(question: Question) -> Any:
        if getattr(question, "model", query.model) == query.model and not same_weights():
            raise UsageError(
                _(
                    "{path} was read with weights that {model} does not have here: what it holds "
                    "can be shown, but nothing else read with them.\n"
                    "Read the text anew: rnnviz step -m MODEL TEXT"
                ).format(path=path, model=query.model)
            )
        return explorer(question)

    return answer


def _same_weights(a: Trace, b: Trace) -> bool:
    import numpy as np

    return len(a.layers) == len(b.layers) and all(
        one.keys() == other.keys() and all(np.array_equal(one[name], other[name]) for name in one)
        for one, other in zip(_weights(a), _weights(b), strict=True)
    )


def _weights(trace: Trace) -> list[dict[str, Any]]:
    return [*(dict(la.weights) for la in trace.layers), {"W": trace.head.W, "b": trace.head.b}]
