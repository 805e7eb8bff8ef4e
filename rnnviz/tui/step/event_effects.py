"""What an event from outside does to a step screen."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from rnnviz.events import (
    ActionEvent,
    AnswerEvent,
    CursorEvent,
    Event,
    EventError,
    LessonEvent,
    PageEvent,
    PageStateEvent,
    QueryEvent,
    ReachEvent,
    ViewEvent,
)
from rnnviz.messages import _
from rnnviz.tui.pages import load
from rnnviz.tui.step import view_differences
from rnnviz.tui.step.event_stream import UNSTEERED
from rnnviz.tui.step.notation_switch import with_notation
from rnnviz.tui.step.trace_requests import TraceRequest

if TYPE_CHECKING:
    from rnnviz.tui.step.screen import StepScreen


def apply(screen: StepScreen, event: Event) -> None:
    """Apply an event; RnnvizError, and no change, for one that does not fit this screen."""
    view_state = screen.view_state
    match event:
        case CursorEvent():
            first = min(max(event.first, 0), len(view_state.trace.tokens) - 1)
            cursor = view_differences.cursor_at(event, view_state)
            if (cursor, first) != (view_state.cursor, view_state.first):
                screen.show(cursor=cursor, first=first, status="", failed=False)
        case QueryEvent():
            _apply_query(screen, event)
        case PageEvent(page=page):
            if page != view_state.page:
                name = view_differences.require_page(page) if page else view_state.page
                screen.page_host.toggle(name)
        case PageStateEvent():
            _apply_page_state(screen, event)
        case ViewEvent(changes=changes):
            _apply_view(screen, view_differences.view_changes(changes, view_state))
        case ReachEvent():
            screen.action_reach()
        case LessonEvent(lesson=lesson, step=step, stage=stage):
            screen.lesson.go_to(lesson, step, stage)
        case AnswerEvent(question=question, answer=answer):
            screen.lesson.answer(question, answer)
        case ActionEvent(name=name):
            _run(screen, name)
        case _:
            pass  # told to others, without an effect here


def _apply_view(screen: StepScreen, changes: dict[str, Any]) -> None:
    if bool(changes.get("presenter", screen.view_state.presenter)) != bool(
        screen.view_state.presenter
    ):
        screen.presenter.toggle()
    if "notation" in changes:
        changes = changes | with_notation(screen.view_state, changes["notation"])
    screen.show(**changes)


def _apply_query(screen: StepScreen, event: QueryEvent) -> None:
    query, queries = view_differences.query_of(event), screen.view_state.queries
    if query == queries.current.query:
        return
    if event.step == "undo" and queries.past and queries.past[-1].query == query:
        screen.action_undo()
    elif event.step == "redo" and queries.future and queries.future[0].query == query:
        screen.action_redo()
    else:
        screen.requests.ask(TraceRequest(query, quiet=True), edit=event.step == "edit")


def _apply_page_state(screen: StepScreen, event: PageStateEvent) -> None:
    """Show the state of a page, after a drawing on trial: its values are not checked."""
    state, view_state = view_differences.page_state_of(event), screen.view_state
    page_states = {**view_state.page_states, state.page: state}
    if page_states == view_state.page_states:
        return
    if view_differences.is_page(event.page):
        try:
            trial = replace(view_state, page=event.page, page_states=page_states)
            page = load(event.page)(trial)
            page.questions(trial)
            page.strips_at(trial, 80, 20)
        except Exception as error:
            raise EventError(
                _("The page {page!r} cannot show {state}.").format(
                    page=event.page, state=event.state
                )
            ) from error
    screen.show(page_states=page_states)


def _run(screen: StepScreen, name: str) -> None:
    """Run an action as its key would."""
    actions = screen.view_state.keymap.by_name
    if name not in actions or name in UNSTEERED:
        raise EventError(_("There is no action {name!r} to steer.").format(name=name[:60]))
    screen.call_later(screen.run_action, actions[name].run)
