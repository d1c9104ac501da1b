"""Rows without label: bounds over every label they could have. Rows of a sample: weights."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from itertools import product

import numpy as np
import pytest
from sklearn import metrics as sk

from loop_core.compare import compare, compare_many, estimates, flips, selftest
from loop_core.compare.estimate import NotEstimable
from loop_core.compare.groups import Grouping, everybody
from loop_core.errors import NotReadyError, RefusedError
from loop_core.labels import known_at, read_at, sample_of
from loop_core.vocabulary import Verdict
from tests.compare.ended_samples import ended
from tests.compare.late_labels import CHARTER, START, fill, world
from tests.compare.test_due import EARLY, END, OPPOSITE, never_labelled
from tests.compare.worlds import pairs_of, terms_at

PREVALENCE, N = 0.3, 400
TERMS = terms_at(PREVALENCE)
BOUNDED = ("log_loss", "brier", "accuracy", "cost", "precision", "recall", "f1", "auc")


def hidden(metric, seed, missing):
    """(pairs without some labels, all of them, in two groups)"""
    rng = np.random.default_rng(seed)
    pairs = pairs_of(metric, rng, N, PREVALENCE, False)
    # Ties, as coarse scores have them.
    if pairs.champion.ndim == 1:
        pairs = replace(pairs, champion=pairs.champion.round(1), challenger=pairs.challenger.round(1))
    labels = pairs.labels.copy()
    labels[rng.choice(N, missing, replace=False)] = np.nan
    return replace(pairs, labels=labels), pairs, Grouping("c", ("a", "b"), rng.integers(0, 2, N))


@pytest.mark.parametrize("metric", BOUNDED)
def test_bounds_are_the_least_and_the_most_of_every_labelling(metric):
    pairs, _, grouping = hidden(metric, 3, 6)
    found = estimates(metric, pairs, grouping, TERMS)
    open_, every = np.flatnonzero(pairs.unlabelled), []
    for labels in product((0.0, 1.0), repeat=len(open_)):
        filled = pairs.labels.copy()
        filled[open_] = labels
        every.append([one.difference for one in estimates(metric, pairs.labelled(filled), grouping, TERMS)])
    assert [one.bound_low for one in found] == pytest.approx(np.min(every, axis=0), abs=1e-12)
    assert [one.bound_high for one in found] == pytest.approx(np.max(every, axis=0), abs=1e-12)
    assert all(one.ci_low < one.bound_low <= one.bound_high < one.ci_high for one in found)


def test_several_classes_are_bounded_by_row_and_what_has_no_bound_has_no_verdict():
    pairs, whole, grouping = hidden("macro_f1", 1, 5)
    losses = estimates("log_loss", pairs, grouping)
    true = estimates("log_loss", whole, grouping)
    assert all(a.bound_low <= b.difference <= a.bound_high for a, b in zip(losses, true, strict=True))
    for metric, rows in (("macro_f1", pairs), ("auc", pairs), ("average_precision", hidden("auc", 1, 5)[0])):
        assert all(isinstance(one, NotEstimable) for one in estimates(metric, rows, grouping)), metric


def test_weights_are_those_of_scikit_learn_and_their_interval_holds():
    rng, inside = np.random.default_rng(0), 0
    for _ in range(60):
        labels = (rng.random(4_000) < 0.3).astype(float)
        first, second = (np.clip(0.3 + s * (labels - 0.3) + rng.normal(0, 0.1, 4_000), 0.01, 0.99) for s in (0.2, 0.3))
        pi = np.where(first > 0.4, 0.4, 0.05)
        drawn = rng.random(4_000) < pi
        whole = pairs_of("log_loss", rng, 4_000, 0.3, False)
        whole = replace(whole, labels=labels, champion=first, challenger=second)
        (truth,) = estimates("log_loss", whole, everybody(4_000))
        part = replace(whole.take(np.flatnonzero(drawn)), weights=1 / pi[drawn])
        (found,) = estimates("log_loss", part, everybody(int(drawn.sum())))
        inside += found.ci_low <= truth.difference <= found.ci_high
    assert inside >= 53
    assert found.champion == pytest.approx(sk.log_loss(part.labels, part.champion, sample_weight=part.weights))
    assert found.n_effective == pytest.approx(part.weights.sum() ** 2 / (part.weights**2).sum())
    assert found.n_effective < len(part)
    (alike,) = estimates("f1", replace(part, weights=np.full(len(part), 7.0)), everybody(len(part)), TERMS)
    (plain,) = estimates("f1", replace(part, weights=None), everybody(len(part)), TERMS)
    assert (alike.ci_low, alike.ci_high) == pytest.approx((plain.ci_low, plain.ci_high))


def test_what_was_sure_to_be_drawn_is_no_fair_sample_by_itself():
    rng = np.random.default_rng(2)
    pairs, due = pairs_of("auc", rng, 3_000, 0.3, False), rng.random(3_000) < 0.5
    # Of what is not due the high scores are all labelled, of the others one in ten.
    drawn = np.where(pairs.champion > 0.4, 1.0, np.where(rng.random(3_000) < 0.1, 0.1, 0.0))
    rows = np.flatnonzero(due | (drawn > 0))
    mixed = replace(pairs.take(rows), weights=np.where(due, 1, 1 / np.maximum(drawn, 0.1))[rows], due=due[rows])
    (found,) = estimates("auc", mixed, everybody(len(rows)), TERMS)
    (right,) = estimates("auc", pairs.take(np.flatnonzero(due)), everybody(int(due.sum())), TERMS)
    assert (found.n, found.champion) == (right.n, pytest.approx(right.champion))


def test_a_verdict_is_given_only_where_it_holds_under_the_worst_labels(workspace):
    made, silent = never_labelled(n=6_000, share=0.2)
    charter = CHARTER.replace("horizon_days = 60", 'horizon_days = 60\nnever = "bounded"')
    loop = fill(workspace, made, charter + '[compare]\nslices = "gate"\n')
    card = compare(loop, "new", as_of=END, record=False)
    cell = card.overall("log_loss")
    assert (card.n, cell.n) == (6_000 - silent, 6_000)
    assert f"{silent:,} of 6,000 rows ({silent / 6_000:.1%})" in card.notes[0]
    assert "whatever is worst" in card.notes[0]
    assert cell.ci_low < cell.bound_low < cell.difference < cell.bound_high < cell.ci_high
    assert cell.verdict is Verdict.INCONCLUSIVE
    assert cell.rows_needed is None
    gate = next(gate for gate in card.gates if gate.name == "log_loss overall")
    assert "by the labels that are missing" in gate.sentence
    assert "find labels" in gate.next_step
    assert card.badge == "Undecided"
    # Slices have a gate of their own: here there is none to look at, whatever the labels are.
    slices = next(gate for gate in card.gates if gate.name == "no slice worse")
    assert (slices.state, "over 0 columns" in slices.sentence) == ("passed", True)
    several = compare_many(loop, ["new"], as_of=END)
    assert several.rivals[0].verdict is Verdict.INCONCLUSIVE


SAMPLED = CHARTER.replace("horizon_days = 60", 'horizon_days = 60\nsampled = "drawn"') + (
    '[[context]]\nname = "drawn"\ntype = "number"\n'
)


def with_sample(workspace, share=0.5, late=0.0, n=8_000, probability=None):
    """Drawn predictions are labelled a day later; `late` of them not so soon."""
    made, rng = world(0, n), np.random.default_rng(5)
    drawn = rng.random(n) < share
    soon = drawn & (rng.random(n) >= late)
    delay, said = np.where(soon, 1.0, made.delay), np.where(drawn, probability or share, 0.0)
    return fill(workspace, replace(made, delay=delay, drawn=said), SAMPLED), drawn


def test_rows_of_a_random_sample_are_compared_before_they_are_due(workspace):
    loop, drawn = with_sample(workspace)
    card = compare(loop, "new", as_of=EARLY, record=False)
    cell = card.overall("log_loss")
    assert card.n == cell.n == drawn.sum()
    assert cell.n_effective == pytest.approx(cell.n)
    assert "a random sample drew and labelled them" in card.notes[0]
    # A row drawn with a chance of one half stands for two predictions of the week.
    assert cell.stands_for == 2 * cell.n
    assert f"about {2 * cell.n / card.weeks:,.0f} predictions a week" in card.sentence
    several = compare_many(loop, ["new"], as_of=EARLY)
    assert (several.n, several.notes[0]) == (card.n, card.notes[0])
    assert (several.rivals[0].ci_low, several.rivals[0].ci_high) == pytest.approx((cell.ci_low, cell.ci_high))
    final = compare(loop, "new", as_of=END, record=False).overall("log_loss")
    assert OPPOSITE.get(cell.verdict) is not final.verdict
    assert cell.ci_low < final.difference < cell.ci_high
    # Half of it is due: what is due stands for itself.
    half = compare(loop, "new", as_of=START.replace(month=3, day=20), record=False).overall("log_loss")
    assert half.n_effective < half.n
    assert half.ci_high - half.ci_low < cell.ci_high - cell.ci_low
    # What looks at rows one by one says that it leaves these out.
    card = compare(loop, "new", as_of=START.replace(month=3, day=20), record=False)
    assert f"{flips(loop, card).left_out:,} rows of a random sample that are not due" in flips(loop, card).note
    tried = selftest(loop, START.replace(month=3, day=20), challenger="new", runs=20, harm_runs=0)
    assert tried.sample == flips(loop, card).left_out > 0
    assert "rows of a random sample that are not due were left out" in tried.sentence
    with pytest.raises(NotReadyError, match="a random sample alone"):
        selftest(loop, EARLY, challenger="new", runs=20)


def test_a_sample_ends_with_the_first_that_waits_for_its_label_and_allows_for_any_label_of_it(workspace):
    loop, drawn = with_sample(workspace)
    waiting = int(np.flatnonzero(drawn)[3_000])
    gone = f"delete from {loop.table('outcomes')} where prediction_id = '{waiting:05d}'"
    loop.lake.write(lambda tx: tx.execute(gone), actor="ana", message="test")
    card = compare(loop, "new", as_of=EARLY, record=False)
    cell = card.overall("log_loss")
    # Nothing early is let in beside.
    assert (card.n, cell.n) == (3_000, 3_001)
    assert cell.ci_low < cell.bound_low < cell.bound_high < cell.ci_high
    assert "The sample ends with the first that waits for its label" in card.notes[0]
    assert "due and have no label" not in " ".join(card.notes)


def test_nothing_early_is_let_in_beside_a_sample_whose_labels_are_late(workspace):
    loop, drawn = with_sample(workspace, late=0.5)
    card = compare(loop, "new", as_of=EARLY, record=False)
    assert card.n < drawn.sum() / 10
    assert card.overall("log_loss").verdict is not Verdict.WORSE


def test_what_else_was_drawn_of_the_entity_that_waits_is_of_the_sample(workspace):
    loop, drawn = with_sample(workspace, n=2_000)
    places = np.flatnonzero(drawn)
    alike, later = [f"{k:05d}" for k in places[[400, 600, 800]]], f"{places[500]:05d}"

    def body(tx):
        ids = ", ".join(f"'{one}'" for one in (*alike, later))
        tx.execute(
            f"update {loop.table('predictions')} set entity_id = 'e' where prediction_id in ({ids[: -len(later) - 4]})"
        )
        tx.execute(f"update {loop.table('predictions')} set predicted_at = timestamptz '2026-01-20 00:00:00+00'")
        tx.execute(f"delete from {loop.table('outcomes')} where prediction_id in ({ids})")

    loop.lake.write(body, actor="ana", message="test")
    # All of one moment: the order is that of hashed ids, and the first of it that waits ends the sample.
    sample = sample_of(loop, EARLY, None)
    order = dict(known_at(loop, EARLY).rows("select prediction_id, hash(prediction_id) from predictions"))
    first = min((*alike, later), key=order.__getitem__)
    assert sample.last[1] == order[first]
    assert (sample.entity is None) is (first == later)
    condition, values = sample.condition("drawn")
    found = {row[0] for row in read_at(loop, EARLY).rows(f"select prediction_id from rows where {condition}", **values)}
    before = {f"{k:05d}" for k in places if order[f"{k:05d}"] <= order[first]}
    assert found == before | ({*alike} if first in alike else set())


def test_a_sample_says_no_wrong_better_more_often_than_one_that_ends_whatever_its_labels_are():
    # None of those that are labelled late has a label yet: all that came say "better", and the truth is "alike".
    young = [ended(seed, 0, soon_share=0.4) for seed in range(60)]
    assert sum(one.verdict("before") is Verdict.BETTER for one in young) > 20
    assert sum(one.verdict("with") is Verdict.BETTER for one in young) <= 1
    for burst in (1, 5):
        some = [ended(seed, 20, burst) for seed in range(60)]
        said = {end: sum(one.verdict(end) is Verdict.BETTER for one in some) for end in ("fixed", "with")}
        assert said["with"] <= max(said["fixed"], 2)


def test_a_sample_of_numbers_ends_so_long_ago_as_the_slowest_label_took(workspace):
    made = world(0, 4_000)
    slow = np.where(np.arange(4_000) % 200 == 7, 9.0, 1.0)
    charter = CHARTER.replace('positive = "fraud"', 'task = "regression"').replace("log_loss", "mae")
    charter = charter.replace("horizon_days = 60", 'horizon_days = 10\nsampled = "drawn"')
    charter += '[[context]]\nname = "drawn"\ntype = "number"\n'
    loop = fill(workspace, replace(made, delay=slow, drawn=np.full(4_000, 0.5)), charter)
    as_of = START.replace(day=25)
    sample = sample_of(loop, as_of, None)
    assert sample.last is None
    assert sample.end == as_of - timedelta(days=9)
    # Before any drawn prediction is due it is not known how long labels take.
    assert sample_of(loop, START.replace(day=12), None) is None


def test_a_probability_above_one_is_refused(workspace):
    loop, _ = with_sample(workspace, n=1_000, probability=30.0)
    with pytest.raises(RefusedError, match="drawn of a prediction is 30"):
        compare(loop, "new", as_of=EARLY, record=False)
