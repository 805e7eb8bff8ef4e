"""The list of models, and the query that reads with the chosen one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from textual.message import Message

from rnnviz.analysis.model_family import input_kind
from rnnviz.analysis.model_list import ModelEntry, ModelListQuestion
from rnnviz.display import visible
from rnnviz.errors import RnnvizError, one_line
from rnnviz.i18n import trained_on, word
from rnnviz.query import Explorer, Query
from rnnviz.tui.app.choice_list import ChoiceList, ListRow
from rnnviz.tui.step.trace_requests import TraceRequest
from rnnviz.tui.view.view_state import ViewState


class ModelsListed(Message):
    """The models; or the reason why they could not be listed."""

    def __init__(self, entries: Sequence[ModelEntry], reason: str = "") -> None:
        super().__init__()
        self.entries, self.reason = tuple(entries), reason


class ModelPicker(ChoiceList[ModelEntry]):
    """Shipped models, runs and model files, each with what it is for; listed in a thread."""

    def __init__(self, explorer: Explorer, view_state: ViewState) -> None:
        say = view_state.text
        super().__init__(say("models.title"), filter_text=say("models.filter"))
        self.explorer, self.view_state = explorer, view_state

    def on_mount(self) -> None:
        """List the models."""
        self.query_one("#title").update(self.text("models.reading"))  # type: ignore[attr-defined]
        self.run_worker(self._list, thread=True, exit_on_error=False)

    def _list(self) -> None:
        try:
            listed = ModelsListed(self.explorer(ModelListQuestion()))
        except RnnvizError as error:
            listed = ModelsListed((), one_line(error))
        except Exception as error:
            # An error in an explorer must not end the app.
            listed = ModelsListed((), f"{type(error).__name__}: {error}")
        self.post_message(listed)

    def on_models_listed(self, message: ModelsListed) -> None:
        """Show the list; without one, the models of the digit keys."""
        entries, title = message.entries, self.text("models.title")
        if message.reason:
            title = self.text("models.failed", reason=visible(message.reason))
            entries = tuple(
                ModelEntry(m, "shipped", "words", "", "") for m in self.view_state.others
            )
        self.query_one("#title").update(title)  # type: ignore[attr-defined]
        now = self.view_state.latest_query.model
        shown = next((entry for entry in entries if entry.name == now), None)
        self.show_choices([self._choice(entry, now) for entry in entries], shown)

    def _choice(self, entry: ModelEntry, now: str) -> ListRow[ModelEntry]:
        lang, say = self.view_state.lang, self.view_state.text
        name = visible(entry.name)
        use = word("model_use", entry.name, lang)
        about = [entry.net, "" if use == entry.name else use, trained_on(entry.about, lang)]
        if entry.origin != "shipped":
            about.append(say(f"models.{entry.origin}"))
        if entry.damage:
            about = [say("models.damaged", reason=entry.damage)]
        title = f"{name} ● {say('models.now')}" if entry.name == now else name
        return ListRow(entry, title, visible(" · ".join(filter(None, about))))


def request(view_state: ViewState, entry: ModelEntry) -> TraceRequest:
    """Read with a model: the same text if it reads such texts, otherwise its example."""
    query = view_state.latest_query
    kind = input_kind(query, view_state.trace)
    # A text stays where it was typed in another language, too.
    reads = "words" if kind == "turkish words" else kind
    if entry.reads != "own" and reads == entry.reads:
        target = query.target if query.target in entry.labels else None
        return TraceRequest(replace(query, model=entry.name, target=target))
    message = "models.series" if entry.reads == "series" else "models.example"
    return TraceRequest(
        Query(entry.example, entry.name),
        message=view_state.text(message, model=visible(entry.name)),
    )
