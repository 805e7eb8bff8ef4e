"""A lesson in progress: phases, answers, the way back, and what the screen shows."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from rnnviz.clamps import parse
from rnnviz.lessons.lesson import CursorPosition, Lesson, LessonChange, LessonQuestion, Step
from rnnviz.lessons.player import LAST_TOKEN, LessonAnswer, LessonPlayer, stages
from rnnviz.lessons.predictions import AnswerKey, Prediction
from rnnviz.lessons.progress import LessonProgress, ProgressFile
from rnnviz.query import Query

READ = Query("this movie was not good", "sentiment-lstm")
HELD = replace(READ, clamps=(parse("c[3]=0"),))
OTHER = replace(READ, text="good")
CHOICE = LessonQuestion("choice", ("up", "down"), right=2)
NUMBER = LessonQuestion("number", of="p(4)", within=0.1)

STEPS = (
    Step("a.say", "Look.", READ, cursor=CursorPosition(token=3, unit=7)),
    Step("a.number", "How much?", READ, question=NUMBER, reveal=".18.",
         reveal_cursor=CursorPosition(token=4), reveal_view="reach"),
    Step("a.later", "Which one?", READ, question=CHOICE),
    Step("a.wipe", "One, then the other.", READ,
         changes=(LessonChange(HELD, "c[3]=0", "c is gone."), LessonChange(OTHER, "good"))),
    Step("a.both", "How much now?", READ, reveal=".93.",
         question=replace(NUMBER, of="p(5, clamp='c[3]=0')"),
         changes=(LessonChange(HELD, "c[3]=0"),)),
    Step("a.own", "Your turn.", READ,
         changes=(LessonChange(READ, own="text", goal="Above .8.", reached="p() > 0.8",
                               example="good"),)),
    Step("a.end", "One sentence.", READ),
)  # fmt: skip
LESSON = Lesson("a", Path("a.toml"), "en", "A", "Why?", 5, 1, STEPS)


#: A lesson in which a step trains a net, and two later ones read with it.
TRAINS = Lesson("b", Path("b.toml"), "en", "B", "Why?", 5, 1, (
    Step("b.say", "Look.", READ),
    Step("b.train", "Wait.", READ, changes=(LessonChange(train={"recipe": "sentiment-rnn"}),)),
    Step("b.net", "Look at it.", replace(READ, model="trained:b.train")),
    Step("b.again", "And again.", replace(READ, model="trained:b.train", text="good")),
    Step("b.end", "One sentence.", READ),
))  # fmt: skip


def answered(player: LessonPlayer, value: float) -> LessonPlayer:
    return player.commit(LessonAnswer(Prediction(value), 2.0))


def test_the_phases_of_a_lesson_in_order() -> None:
    player, seen = LessonPlayer(LESSON), []
    while True:
        seen.append((player.step.id, player.phase))
        if player.at_end:
            break
        player = answered(player, 1) if player.phase == "ask" else player.next()
    assert seen == [
        ("a.say", "say"), ("a.number", "ask"), ("a.number", "committed"), ("a.number", "revealed"),
        ("a.later", "ask"), ("a.later", "committed"), ("a.wipe", "say"), ("a.wipe", "change"),
        ("a.wipe", "change"), ("a.both", "ask"), ("a.both", "committed"), ("a.both", "revealed"),
        ("a.own", "say"), ("a.own", "own"), ("a.end", "say"),
    ]  # fmt: skip


def test_an_open_question_holds_the_lesson() -> None:
    player = LessonPlayer(LESSON).next()
    assert player.phase == "ask"
    assert player.next() == player
    passed = player.commit(LessonAnswer(None))
    assert passed.phase == "committed"
    assert passed.next().phase == "revealed"


def test_the_reveal_moves_the_screen_and_changes_nothing_that_is_read() -> None:
    asked = answered(LessonPlayer(LESSON).next(), 0.3)
    before, after = asked.scene, asked.next().scene
    assert (before.place.token, before.place.view, before.asks) == (3, "panels", True)
    assert (after.place.token, after.place.view, after.asks) == (4, "reach", False)
    assert (after.query, after.place.unit, after.place.part) == (before.query, 7, None)
    assert asked.said == "How much?"
    assert asked.next().said == ".18."


def test_an_answer_is_marked_but_counts_only_when_it_is_revealed() -> None:
    player = answered(LessonPlayer(LESSON).next(), 0.3)
    player = player.marked("a.number", AnswerKey("number", 0.18, 0.1))
    assert player.answers["a.number"].correct is False
    assert str(player.score) == "0/0"
    assert str(player.next().score) == "0/1"
    assert player.answers["a.number"].seconds == 2.0


def test_going_back_keeps_answers_and_a_revealed_one_stays_as_it_is() -> None:
    shown = answered(LessonPlayer(LESSON).next(), 0.3).next()
    back = shown.back()
    assert back.phase == "committed"
    assert answered(back, 0.18) == back
    assert back.back().phase == "say"
    assert back.back().next().next() == shown
    assert shown.next().back() == shown


def test_an_answer_may_be_changed_until_it_is_revealed() -> None:
    player = answered(answered(LessonPlayer(LESSON).next(), 0.3), 0.2)
    assert player.answers["a.number"].prediction == Prediction(0.2)


def test_a_question_is_revealed_with_the_last_change_of_the_next_step() -> None:
    player = answered(LessonPlayer(LESSON).at_step("a.later"), 2)
    player = player.marked("a.later", AnswerKey("choice", 2))
    wiped = player.next().next()
    assert (wiped.scene.query, wiped.said) == (HELD, "c is gone.")
    assert wiped.late_question is None and "a.later" not in wiped.revealed
    last = wiped.next()
    assert last.late_question == STEPS[2] and "a.later" in last.revealed
    assert str(last.score) == "1/1"
    assert last.said == "One, then the other."
    assert (last.scene.query, last.scene.place.token) == (OTHER, LAST_TOKEN)
    assert last.next().scene.query == READ


def test_a_question_about_a_change_is_revealed_by_it() -> None:
    asked = LessonPlayer(LESSON).at_step("a.both")
    assert asked.scene.query == READ
    revealed = answered(asked, 0.9).next()
    assert (revealed.phase, revealed.scene.query, revealed.said) == ("revealed", HELD, ".93.")


def test_a_change_of_one_s_own_can_be_tried_again() -> None:
    own = LessonPlayer(LESSON).at_step("a.own").next()
    assert (own.phase, own.said, own.scene.query) == ("own", "Above .8.", READ)
    tried = own.tried(HELD, False)
    assert (tried.scene.query, tried.reached) == (HELD, False)
    again = tried.tried(OTHER, True)
    assert again.reached is True
    assert again.next().scene.query == READ


def test_another_language_stays_at_the_same_step_and_keeps_the_answers() -> None:
    player = answered(LessonPlayer(LESSON).next(), 0.3).next()
    turkish = replace(LESSON, lang="tr", steps=(STEPS[1], STEPS[0], *STEPS[2:]))
    switched = player.in_language(turkish)
    assert (switched.index, switched.phase, switched.answers) == (0, "revealed", player.answers)
    without = replace(LESSON, steps=STEPS[2:])
    assert player.in_language(without).index == 0


def test_a_quiz_reveals_nothing() -> None:
    quiz = replace(LESSON, kind="quiz")
    assert [phase for phase, _ in stages(quiz, 1)] == ["ask"]
    assert answered(LessonPlayer(quiz).next(), 0.3).next().step.id == "a.later"


def test_places_add_up_over_the_steps() -> None:
    place = LessonPlayer(LESSON).at_step("a.end").scene.place
    assert (place.token, place.unit, place.view) == (4, 7, "reach")
    part = place.moved(CursorPosition(part="forget", zoom="cell"), None)
    assert (part.token, part.part, part.zoom, part.view) == (4, "forget", "cell", "reach")
    assert part.moved(CursorPosition(token=5), "panels").part is None


@pytest.mark.parametrize("content", ["", "[]", "{", '{"a": 1, "b": {"step": 3}}', '{"a": {}}'])
def test_a_damaged_progress_file_is_empty_and_is_written_anew(content: str, tmp_path: Path) -> None:
    (tmp_path / "lessons.json").write_text(content)
    file = ProgressFile(tmp_path)
    assert file.read() == {}
    file.write("not", LessonProgress("not.good", 1, 2))
    assert file.read() == {"not": LessonProgress("not.good", 1, 2)}


def test_progress_of_other_lessons_is_kept(tmp_path: Path) -> None:
    file = ProgressFile(tmp_path / "new")
    file.write("a", LessonProgress("a.end", 2, 3, True))
    file.write("b", LessonProgress("b.start"))
    assert ProgressFile(tmp_path / "new").read() == {
        "a": LessonProgress("a.end", 2, 3, True), "b": LessonProgress("b.start"),
    }  # fmt: skip
    nowhere = ProgressFile(None)
    nowhere.write("a", LessonProgress("a.end"))
    assert nowhere.read() == {}


def test_later_steps_read_with_the_net_that_a_step_has_trained() -> None:
    player = LessonPlayer(TRAINS, trained={"b.train": "/runs/1"})
    assert player.at_step("b.net").scene.query == replace(READ, model="/runs/1")
    assert player.at_step("b.again").scene.query == replace(READ, model="/runs/1", text="good")
    assert player.at_step("b.end").scene.query == READ
    assert not player.at_step("b.net").untrained


@pytest.mark.parametrize("step", ["b.net", "b.again"])
def test_a_step_whose_net_is_not_trained_yet_leads_to_the_step_that_trains_it(step: str) -> None:
    player = LessonPlayer(TRAINS).at_step(step)
    assert (player.step.id, player.phase) == ("b.train", "say")
    failed = player.next()
    assert failed.waits
    assert failed.next().step.id == "b.train"
    trained = failed.with_trained("b.train", "/runs/1").next()
    assert (trained.step.id, trained.base.model) == ("b.net", "/runs/1")
    assert LessonPlayer(TRAINS).at_step("b.end").step.id == "b.end"


def test_on_paper_what_a_trained_net_reads_is_not_known() -> None:
    assert LessonPlayer(TRAINS, index=2).untrained
    assert not LessonPlayer(TRAINS, index=4).untrained
