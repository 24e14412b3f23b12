"""Two runs compared: what changed is named, what one run was not asked for is no change, noise is none."""

import subprocess
import sys

import pytest
from comparison_runs import run, scenario

from intercom_hil.comparison.command import show_differences
from intercom_hil.comparison.differences import Direction, compare
from intercom_hil.run_folder.errors import ReportError
from intercom_hil.run_folder.run import read_run


def shown(before, after, **more):
    lines = []
    differ = show_differences(before, after, lines.append, **more)
    return differ, "\n".join(lines)


def pair(folder, before, after):
    return run(folder, "a", *before), run(folder, "b", *after)


def test_a_run_does_not_differ_from_itself(tmp_path):
    one = run(tmp_path, "a", scenario(value=1.0))
    differ, text = shown(one, one)
    assert not differ
    assert "1 of 1 scenarios have the same verdict, 1 of 1 measurements the same value" in text
    assert text.endswith("they do not differ")


@pytest.mark.parametrize(
    ("before", "after", "direction"),
    [
        ("pass", "fail", Direction.WORSE),
        ("pass", "error", Direction.WORSE),
        ("observed", "inconclusive", Direction.WORSE),
        ("none", "fail", Direction.WORSE),
        ("fail", "pass", Direction.BETTER),
        ("error", "fail", Direction.BETTER),
        ("pass", "none", Direction.LOST),
        ("fail", "not applicable", Direction.LOST),
        ("none", "pass", Direction.NEW),
    ],
)
def test_which_way_a_verdict_changed(tmp_path, before, after, direction):
    a, b = pair(tmp_path, [scenario(verdict=before)], [scenario(verdict=after)])
    found = compare(read_run(a), read_run(b))
    assert [change.direction for change in (*found.requirements, *found.scenarios)] == [direction] * 2
    assert found.are_there()


def test_what_became_worse_says_what_was_seen(tmp_path):
    a, b = pair(tmp_path, [scenario()], [scenario(verdict="fail")])
    differ, text = shown(a, b)
    assert differ
    assert "OUT-03  pass → fail  An unanswered call ends: expected CANCEL; seen: none" in text
    assert "test_outgoing.test_a_call  pass → fail  a call: OUT-03: expected CANCEL; seen: none" in text


@pytest.mark.parametrize(
    ("before", "after", "moved"),
    [
        (scenario(value=1.0), scenario(value=1.05), False),
        (scenario(value=1.0), scenario(value=1.08), True),
        (scenario(value=1.0), scenario(value=0.92), True),
        (scenario(value=1.0), scenario(value=1.2, late=0.3), False),
        (scenario(value=1.0, unit="attempts"), scenario(value=2.0, unit="attempts"), True),
        (scenario(value=1.0, unit="dB"), scenario(value=1.6, unit="dB"), False),
        (scenario(value=1.0), scenario(), True),
        (scenario(value=1.0), scenario(value=1.0, unit="ms"), True),
    ],
)
def test_a_measurement_has_moved_where_uncertainty_does_not_explain_it(tmp_path, before, after, moved):
    a, b = pair(tmp_path, [before], [after])
    differ, text = shown(a, b)
    assert differ is moved
    assert ("measurements that moved beyond their uncertainty: 1" in text) is moved


def test_what_a_run_states_as_uncertainty_counts_where_it_is_larger(tmp_path):
    stated = scenario(value=1.0)
    for item in stated["measurements"]:
        item["uncertainty"] = 0.3
    a, b = pair(tmp_path, [stated], [scenario(value=1.25)])
    assert not shown(a, b)[0]
    assert shown(a, run(tmp_path, "c", scenario(value=1.35)))[0]


def test_a_move_within_the_spread_of_earlier_runs_is_none(tmp_path):
    for number, value in enumerate((0.8, 1.0, 1.2, 1.1)):
        run(tmp_path / "earlier", f"r{number}", scenario(value=value), at=number)
    a, b = pair(tmp_path, [scenario(value=1.0)], [scenario(value=1.3)])
    assert shown(a, b)[0]
    assert not shown(a, b, among=tmp_path / "earlier")[0]


def test_other_events_are_shown_and_count_where_that_is_asked_for(tmp_path):
    a, b = pair(tmp_path, [scenario(events=("x", "y", "y"))], [scenario(events=("y", "x", "z"))])
    differ, text = shown(a, b)
    assert not differ
    assert "test_outgoing.test_a_call: − y; + z" in text
    assert shown(a, b, with_events=True)[0]
    same = run(tmp_path, "c", scenario(events=("y", "y", "x")))
    assert "other events" not in shown(a, same)[1]


def test_a_scenario_that_only_one_has_is_a_difference_unless_a_part_was_asked_for(tmp_path):
    both = [scenario(), scenario("test_outgoing.test_another")]
    a, b = pair(tmp_path, both, both[:1])
    differ, text = shown(a, b)
    assert differ
    assert "scenarios of A alone: 1\n  test_outgoing.test_another" in text
    part = run(tmp_path, "part", *both[:1], selection="-k a_call")
    differ, text = shown(a, part)
    assert not differ
    assert "1 scenarios are in one run only: the other was asked for a part" in text


def test_in_what_the_runs_were_made_differently_is_named(tmp_path):
    a = run(tmp_path, "a", scenario())
    b = run(tmp_path, "b", scenario(), environment={"harness": "0.2.0", "device": {"firmware": "1.1"}})
    text = shown(a, b)[1]
    assert "harness: 0.1.0 → 0.2.0" in text
    assert "device: Door One, firmware 1.0 → firmware 1.1" in text


def test_a_run_without_its_evidence_is_compared_as_far_as_it_goes(tmp_path):
    a, b = pair(tmp_path, [scenario()], [scenario(verdict="fail")])
    next(b.glob("scenarios/*/timeline.jsonl")).unlink()
    differ, text = shown(a, b)
    assert differ
    assert "Events are not compared in 1 scenarios: a timeline is missing." in text


def test_the_page_has_it_too_and_nothing_of_a_device_is_markup(tmp_path):
    attack = "</td><script>alert(1)</script>"
    odd = scenario(f"test_x.test_{attack.replace('/', '∕')}", events=(attack,), value=1.0)
    a = run(tmp_path, "a", odd)
    b = run(tmp_path, "b", odd | {"verdict": "fail", "requirements": {"OUT-03": "fail"}, "events": []})
    shown(a, b, html=tmp_path / "diff.html")
    page = (tmp_path / "diff.html").read_text(encoding="utf-8")
    assert "they differ" in page
    assert "<script" not in page
    assert "default-src &#39;none&#39;" in page or "default-src 'none'" in page


def test_the_command_ends_with_0_1_or_2_and_one_message(tmp_path):
    a, b = pair(tmp_path, [scenario()], [scenario(verdict="fail")])

    def ended(*arguments):
        command = [sys.executable, "-m", "intercom_hil.cli", "diff", *map(str, arguments)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
        assert "Traceback" not in done.stderr
        return done.returncode, done.stderr

    assert ended(a, a)[0] == 0
    assert ended(a, b)[0] == 1
    status, said = ended(a, tmp_path / "none")
    assert (status, said.count("\n")) == (2, 1)
    assert "there is no such directory" in said
    (b / "run.json").write_text("{")
    status, said = ended(a, b)
    assert (status, said.count("\n")) == (2, 1)
    status, said = ended(a, a, "--html", tmp_path / "none" / "x.html")
    assert status == 2
    assert "it cannot be written" in said


def test_a_run_of_another_schema_is_refused(tmp_path):
    a = run(tmp_path, "a", scenario())
    with pytest.raises(ReportError, match="schema 9"):
        compare(read_run(a), read_run(run(tmp_path, "b", scenario(), schema=9)))
