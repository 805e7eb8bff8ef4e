"""The state machine of a vote, without a network."""

from __future__ import annotations

import math
import secrets
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rnnviz.classroom.phone_page import PhoneView, page
from rnnviz.classroom.tokens import LENGTH, TokenIssuer
from rnnviz.classroom.votes import LONGEST_REASON, MOST_DEVICES, VoteBox, consensus
from rnnviz.events import BallotEvent, CloseVoteEvent, TallyEvent
from rnnviz.lessons.item_statistics import item_statistics
from rnnviz.lessons.results import ResultsFile, read_results

TEXTS = {
    "en": {"said": "What will it do?", "options": ["rises", "stays", "falls"]},
    "tr": {"said": "Ne yapacak?", "options": ["yükselir", "aynı kalır", "düşer"]},
}
CHOICE = BallotEvent("not.good", texts=TEXTS, why=True, lesson="not")
NUMBER = BallotEvent("not.guess", ask="number", low=0.0, high=1.0, lesson="not")
WORD = BallotEvent("turn", ask="word", words=("this", "was", "not"), first=2, lesson="text")


def opened(ballot: BallotEvent) -> VoteBox:
    box = VoteBox()
    box.open(ballot, 100.0)
    return box


def test_each_voter_counts_once_and_may_change_the_answer_until_the_close() -> None:
    box = opened(CHOICE)
    assert box.answer("ada", "not.good", 1, 1, "good is good", 101) == "counted"
    assert box.answer("bob", "not.good", 1, 3, "", 102) == "counted"
    assert box.answer("ada", "not.good", 1, 3, "", 104) == "replaced"
    # While it is open nobody is told what was answered.
    assert box.tally(CHOICE) == TallyEvent("not.good", 1, True, 2)
    closed = box.close(CloseVoteEvent("not.good", right=3))
    assert closed == TallyEvent(
        "not.good", 1, False, 2, counts=(0, 0, 2), reasons=("good is good",)
    )
    assert box.answer("eve", "not.good", 1, 1, "", 105) == "closed"
    assert box.close(CloseVoteEvent("not.good")) is None
    seconds = [each.seconds for each in box.records("sitting")]
    assert seconds == [4.0, 2.0]
    assert [each.correct for each in box.records("sitting")] == [True, True]
    assert [each.text for each in box.records("sitting")] == ["falls", "falls"]


def test_an_answer_belongs_to_one_question_and_one_vote() -> None:
    box = opened(CHOICE)
    assert box.answer("ada", "not.guess", 1, 1, "", 101) == "closed"
    assert box.answer("ada", "not.good", 2, 1, "", 101) == "closed"
    box.answer("ada", "not.good", 1, 1, "", 101)
    box.close(CloseVoteEvent("not.good", right=3))
    box.open(BallotEvent("not.good", 2, texts=TEXTS, lesson="not"), 200)
    assert box.answer("ada", "not.good", 1, 1, "", 201) == "closed"
    assert box.answer_of("ada") is None
    assert box.answer("ada", "not.good", 2, 3, "", 201) == "counted"
    second = box.close(CloseVoteEvent("not.good", 2, right=3))
    assert second is not None and second.counts == (0, 0, 1)
    assert box.records("s")[0].vote == 2


@pytest.mark.parametrize(
    "ballot, value",
    [(CHOICE, 0), (CHOICE, 4), (CHOICE, 1.5), (NUMBER, -0.01), (NUMBER, 1.01), (WORD, 1),
     (WORD, 4), (NUMBER, math.nan), (NUMBER, math.inf), (CHOICE, -1), (CHOICE, None)],
)  # fmt: skip
def test_what_is_no_answer_is_not_counted(ballot: BallotEvent, value: float | None) -> None:
    box = opened(ballot)
    assert box.answer("ada", ballot.question, 1, value, "", 101) == "invalid"
    assert box.tally(ballot).answered == 0


def test_a_reason_is_short_and_may_follow_the_answer() -> None:
    box = opened(CHOICE)
    assert box.answer("ada", "not.good", 1, None, "no answer yet", 101) == "invalid"
    box.answer("ada", "not.good", 1, 2, "", 101)
    box.answer("ada", "not.good", 1, None, "a\n b" + "c" * 500, 102)
    answer = box.answer_of("ada")
    assert answer is not None and answer.value == 2
    assert answer.why.startswith("a bccc") and len(answer.why) == LONGEST_REASON
    box.open(NUMBER, 0)  # asks for no reason
    box.answer("ada", "not.guess", 1, 0.5, "because", 1)
    assert box.answer_of("ada").why == ""  # type: ignore[union-attr]


@pytest.mark.parametrize(
    "typed, kept",
    [
        ("a\x1b[2J\x00\x07b", "a[2Jb"), ("\u202eevil\u202c \u200bzero\ufeff", "evil zero"),
        ("👩\u200d👧 it falls", "👩👧 it falls"), ("şöyle böyle", "şöyle böyle"),
        ("e" + "\u0301" * 60 + "nd", "e\u0301\u0301nd"), ("שלום مرحبا", "שלום مرحبا"),
        ("\u200b\u200b", ""), ("a\u2028b", "a b"),
    ],
)  # fmt: skip
def test_a_reason_has_nothing_that_cannot_be_seen(typed: str, kept: str) -> None:
    box = opened(CHOICE)
    box.answer("ada", "not.good", 1, 1, typed, 101)
    answer = box.answer_of("ada")
    assert answer is not None and answer.why == kept
    assert f'value="{kept}"' in page(box, PhoneView("en", "t", answer))


def test_a_vote_that_was_withdrawn_leaves_no_results() -> None:
    box = opened(CHOICE)
    box.answer("ada", "not.good", 1, 1, "", 101)
    box.close(CloseVoteEvent("not.good", counts=False))
    assert box.records("s") == [] and box.ballot is None


def test_a_number_is_marked_as_it_is_marked_in_a_lesson() -> None:
    box = opened(NUMBER)
    for n, value in enumerate((0.08, 0.28, 0.29, 0.5)):
        box.answer(str(n), "not.guess", 1, value, "", 101)
    tally = box.close(CloseVoteEvent("not.guess", right=0.1804, within=0.1))
    assert tally is not None and tally.values == (0.08, 0.28, 0.29, 0.5)
    assert [each.correct for each in box.records("s")] == [True, True, False, False]
    assert consensus(tally) == pytest.approx(0.285)


def test_no_more_voters_than_phones() -> None:
    box = opened(CHOICE)
    for n in range(MOST_DEVICES):
        assert box.answer(str(n), "not.good", 1, 1, "", 101) == "counted"
    assert box.answer("one more", "not.good", 1, 1, "", 101) == "full"
    assert box.answer("0", "not.good", 1, 2, "", 101) == "replaced"


def test_what_the_class_says() -> None:
    assert consensus(TallyEvent("q", counts=(1, 5, 2))) == 2
    assert consensus(TallyEvent("q", counts=(0, 3, 3))) == 2
    assert consensus(TallyEvent("q", counts=(0, 0))) is None
    assert consensus(TallyEvent("q")) is None


VOTES = st.lists(st.tuples(st.sampled_from("abcdef"), st.floats(allow_nan=True)), max_size=40)


@given(VOTES)
def test_the_tally_is_that_of_the_last_possible_answer_of_each(votes: list[tuple[str, float]]):
    box, expected = opened(CHOICE), {}
    for voter, value in votes:
        outcome = box.answer(voter, "not.good", 1, value, "", 101)
        if value in (1.0, 2.0, 3.0):
            assert outcome == ("replaced" if voter in expected else "counted")
            expected[voter] = value
        else:
            assert outcome == "invalid"
    tally = box.close(CloseVoteEvent("not.good"))
    assert tally is not None
    assert tally.counts == tuple(list(expected.values()).count(n) for n in (1.0, 2.0, 3.0))


# -- tokens ---------------------------------------------------------------------------------------


def test_a_token_is_known_again_and_no_other_is() -> None:
    key = secrets.token_bytes(32)
    issuer = TokenIssuer(key, per_address=3)
    token = issuer.issue("10.0.0.1")
    assert token is not None and len(token) == LENGTH
    voter = issuer.voter(token)
    assert voter is not None and voter == TokenIssuer(key, 3).voter(token)
    assert TokenIssuer(secrets.token_bytes(32), 3).voter(token) is None
    for n in range(LENGTH):
        forged = token[:n] + ("0" if token[n] != "0" else "1") + token[n + 1 :]
        assert issuer.voter(forged) is None
    for forged in ("", token[:-1], token + "0", "ğ" * LENGTH, token.upper() + " "):
        assert issuer.voter(forged) is None


def test_tokens_are_limited_by_address_and_in_all() -> None:
    issuer = TokenIssuer(b"key", per_address=3, most=5)
    assert [issuer.issue("10.0.0.1") is not None for _ in range(5)] == [True] * 3 + [False] * 2
    assert [issuer.issue(f"10.0.0.{n}") is not None for n in (2, 3, 4)] == [True, True, False]
    assert issuer.issued == 5


# -- results --------------------------------------------------------------------------------------


def test_results_count_each_phone_as_one_person_and_the_first_vote(tmp_path: Path) -> None:
    path = tmp_path / "class.jsonl"
    file = ResultsFile(path)
    box = opened(CHOICE)
    for n in range(10):
        box.answer(f"phone{n}", "not.good", 1, 3 if n < 4 else 1, "", 110)
    box.close(CloseVoteEvent("not.good", right=3))
    file.append_all(box.records("s"))
    box.open(BallotEvent("not.good", 2, texts=TEXTS, lesson="not"), 200)
    for n in range(10):
        box.answer(f"phone{n}", "not.good", 2, 3 if n < 9 else 2, "", 210)
    box.close(CloseVoteEvent("not.good", 2, right=3))
    file.append_all(box.records("s"))
    file.close()
    [item] = item_statistics([read_results(path)])
    assert (item.n, item.difficulty, item.wrong, item.wrong_count) == (10, 0.4, "rises", 6)
    assert (item.second_n, item.second) == (10, 0.9)
