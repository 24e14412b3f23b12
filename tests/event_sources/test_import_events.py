"""What an imported log makes of a run: before it nothing is judged, after it everything as if seen live."""

import json
from types import SimpleNamespace

import pytest

from intercom_hil.commands.import_events import BEFORE, import_events
from intercom_hil.emulator.speech import iso
from intercom_hil.errors import BenchError
from intercom_hil.evidence.records import ScenarioRecord
from intercom_hil.evidence.run import RunFolder, write_lines
from intercom_hil.judge.judge import Judge
from intercom_hil.judge.judgement import folded, not_judged
from intercom_hil.monitors.monitors import monitor
from intercom_hil.monitors.replay import judge_scenario_again
from intercom_hil.scenario.runner import GAPS
from intercom_hil.spec import events
from intercom_hil.spec.verdict import Verdict
from intercom_hil.timeline import Witness
from intercom_hil.timeline.observation import Declared, DeviceEvent, EventsImported
from intercom_hil.timeline.vocabulary import event, request
from tests.judge.story import START, Story

AHEAD = 37.0
INITIATED, ESTABLISHED, HUNG_UP = (
    events.OUTGOING_INITIATED,
    events.OUTGOING_ESTABLISHED,
    events.OUTGOING_REMOTE_HANGUP,
)


async def play(run, number, *, live=(), deferred=("event",), settings=None):
    """Play a scenario of one placed call, which starts at the story's own time, and file it."""
    begun = START + 100 * number
    story = Story()
    story.timeline.opened = begun
    declared = Declared(has=("event_log",), lacks=(), deferred=deferred, **(settings or {}))
    story.timeline.append(Witness.BENCH, declared, begun)
    story.at(100 * number + 1).press()
    story.at(100 * number + 1.5).placed()
    story.at(100 * number + 3).bye("pbx")
    for name, after in live:
        content = DeviceEvent(name=name, screen_name=events.EVENTS[name].screen_name)
        story.timeline.append(Witness.CONSOLE, content, begun + after)
    judge = Judge(story.timeline, GAPS)
    for kind in (INITIATED, ESTABLISHED, HUNG_UP):
        judge.at_end(kind.requirement, event(kind), at_most=1)
    logged = event(events.OUTGOING_FAILURE)
    judge.at_end("EVT-13", event(events.OUTGOING_FAILURE, failure="busy"), provided=logged)
    judge.at_end("OUT-06", request("BYE", sender="pbx"))
    await judge.conclude(0)
    judge.judgements += monitor(story.timeline, begun + 10, begun + 11)
    asked = (INITIATED.requirement, ESTABLISHED.requirement, HUNG_UP.requirement, "OUT-06")
    outcome = folded(judge.judgements, Verdict.PASS, asked)
    folder = run.scenario_folder(f"test_told.test_scenario_{number}")
    story.timeline.store(folder / "timeline.jsonl")
    write_lines(folder / "judgements.jsonl", (j.model_dump_json() for j in judge.judgements))
    record = ScenarioRecord(
        id=f"test_told.test_scenario_{number}",
        title="a scenario",
        verdict=outcome.verdict,
        requirements=outcome.requirements,
        started=begun,
        duration_s=20,
        protocol_wait_s=0,
        judgements=judge.judgements,
        problems=[not_judged(requirement) for requirement in outcome.unjudged],
        asked=asked,
        evidence=run.evidence(folder),
    )
    run.add(record)
    return record


async def a_run(folder, count=3, **how):
    run = RunFolder.create(folder, "a bench", "run")
    records = [await play(run, number, **how) for number in range(count)]
    run.write(interrupted=False)
    return SimpleNamespace(path=run.path, records=records)


def told(number, *named):
    """Return entries of the device's log for a scenario: names, and seconds after its beginning."""
    return [
        {
            "time": iso(START + 100 * number + after + AHEAD),
            "event": name,
            "screen": events.EVENTS[name].screen_name if name in events.EVENTS else "",
            "details": "",
        }
        for name, after in named
    ]


WHOLE = ((INITIATED.name, 1.02), (ESTABLISHED.name, 1.55), (HUNG_UP.name, 3.02))


def export(folder, *entries):
    path = folder / "log.json"
    path.write_text(json.dumps([entry for some in entries for entry in some]))
    return path


def verdicts(run):
    return [scenario.requirements for scenario in run.scenarios]


async def test_before_the_import_nothing_is_held_against_the_device(tmp_path):
    run = await a_run(tmp_path)
    for record in run.records:
        assert record.verdict is Verdict.INCONCLUSIVE
        assert record.requirements["EVT-01"] is Verdict.INCONCLUSIVE
        assert record.requirements["OUT-06"] is Verdict.PASS
        assert Verdict.FAIL not in record.requirements.values()
        waiting = [j.seen for j in record.judgements if j.verdict is Verdict.INCONCLUSIVE]
        assert all("import-events" in seen for seen in waiting)
        assert judge_scenario_again(run.path / record.evidence.folder) == []


async def test_an_import_gives_the_verdicts_of_a_run_that_was_seen_live(tmp_path):
    run = await a_run(tmp_path / "later")
    live = await a_run(tmp_path / "live", live=WHOLE, deferred=())
    lines = []
    after = import_events(
        run.path, [export(tmp_path, *(told(n, *WHOLE) for n in range(3)))], report=lines.append
    )
    assert verdicts(after) == [record.requirements for record in live.records]
    assert after.verdict is Verdict.PASS
    assert "device clock +37" in lines[0]
    stored = json.loads((run.path / "run.json").read_text())
    assert stored["verdict"] == "pass"
    assert stored["imports"][0]["clock_ahead_s"] == pytest.approx(AHEAD, abs=0.05)
    for scenario in after.scenarios:
        folder = run.path / scenario.evidence.folder
        assert judge_scenario_again(folder) == []
        assert scenario.problems == []
        before = run.path / BEFORE / scenario.evidence.folder / "timeline.jsonl"
        kept = before.read_text().splitlines()
        assert (folder / "timeline.jsonl").read_text().splitlines()[: len(kept)] == kept
        judged_on = [j for j in scenario.judgements if j.requirement == "EVT-02"]
        assert "event log" in {witness for j in judged_on for witness in j.witnesses}


@pytest.mark.parametrize(
    ("log", "broken"),
    [
        (WHOLE[:2], {"EVT-04"}),
        ((*WHOLE, (HUNG_UP.name, 3.1)), {"EVT-04", "EVT-11"}),
        ((WHOLE[1], WHOLE[0], WHOLE[2]), {"EVT-12"}),
        ((*WHOLE, ("outgoing_call_progress", 2.0)), {"EVT-11"}),
    ],
    ids=["missing", "twice", "out of order", "unknown"],
)
async def test_a_broken_log_is_found_out_as_it_would_have_been_live(tmp_path, log, broken):
    run = await a_run(tmp_path)
    whole = [told(number, *WHOLE) for number in (0, 2)]
    after = import_events(
        run.path, [export(tmp_path, whole[0], told(1, *log), whole[1])], report=lambda line: None
    )
    failed = [{name for name, v in s.requirements.items() if v is Verdict.FAIL} for s in after.scenarios]
    assert failed == [set(), broken, set()]


async def test_an_import_takes_the_place_of_an_earlier_one(tmp_path):
    run = await a_run(tmp_path)
    first = export(tmp_path, *(told(n, *WHOLE[:2]) for n in range(3)))
    assert import_events(run.path, [first], report=lambda line: None).verdict is Verdict.FAIL
    parts = []
    for number in range(3):
        parts.append(tmp_path / f"part-{number}.json")
        parts[-1].write_text(json.dumps(told(number, *WHOLE)))
    after = import_events(run.path, parts[::-1], report=lambda line: None)
    assert after.verdict is Verdict.PASS
    imported = [
        line
        for line in (run.path / after.scenarios[0].evidence.folder / "timeline.jsonl")
        .read_text()
        .splitlines()
        if '"events_imported"' in line
    ]
    assert len(imported) == 1
    kept = [path.name for path in (run.path / "imports").iterdir()]
    assert {"1-part-2.json", "2-part-1.json", "3-part-0.json"} < set(kept)


async def test_a_log_beside_a_live_source_is_compared_with_it(tmp_path):
    run = await a_run(tmp_path, live=WHOLE, deferred=())
    log = export(tmp_path, told(0, *WHOLE), told(1, *WHOLE), told(2, *WHOLE[:2]))
    after = import_events(run.path, [log], report=lambda line: None)
    assert [scenario.verdict for scenario in after.scenarios] == [
        Verdict.PASS,
        Verdict.PASS,
        Verdict.INCONCLUSIVE,
    ]
    disagreement = [j for j in after.scenarios[2].judgements if "log-file lacks" in j.seen]
    assert [j.requirement for j in disagreement] == ["EVT-11"]


async def test_a_precondition_that_the_log_does_not_tell_of_leaves_the_question_open():
    story = Story()
    story.timeline.append(Witness.BENCH, Declared(has=(), lacks=(), deferred=("event",)), START)
    judge = Judge(story.timeline, GAPS)
    stand_in = await judge.require(event(INITIATED), within=0.01)
    assert stand_in.witness is Witness.BENCH
    assert [rule.pattern.kind for rule in judge.preconditions] == ["event"]
    await judge.expect("EVT-01", event(INITIATED), within=0.01)
    assert judge.judgements[0].verdict is Verdict.INCONCLUSIVE
    imported = EventsImported(file="x", sha256="", ahead=0, drift_ppm=0, entries=0)
    story.timeline.append(Witness.EVENT_LOG, imported, START)
    assert judge.preconditions[0].evaluate(story.timeline, START).verdict is Verdict.FAIL


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("no log", "its heading has no column event, time"),
        ("[]", "no entry of the log is of a kind"),
        (json.dumps(told(0, ("door_opened", 1.0))), "no entry of the log is of a kind"),
        ('[{"event": "x", "time": "soon"}]', "no time that can be read"),
    ],
)
async def test_a_file_that_does_not_fit_leaves_the_run_as_it_was(tmp_path, content, says):
    run = await a_run(tmp_path, 1)
    before = {path: path.read_bytes() for path in run.path.rglob("*") if path.is_file()}
    path = tmp_path / "log.csv"
    path.write_text(content)
    with pytest.raises(BenchError, match=says):
        import_events(run.path, [path], report=lambda line: None)
    assert {path: path.read_bytes() for path in run.path.rglob("*") if path.is_file()} == before


async def test_what_cannot_be_imported_into_is_told(tmp_path):
    log = export(tmp_path, told(0, *WHOLE))
    with pytest.raises(BenchError, match="name a run folder"):
        import_events(tmp_path / "nowhere", [log], report=lambda line: None)
    run = await a_run(tmp_path / "lacking", 1)
    with pytest.raises(BenchError, match="the event log cannot be read"):
        import_events(run.path, [tmp_path / "nothing.csv"], report=lambda line: None)
    timeline = run.path / run.records[0].evidence.timeline
    timeline.write_text(timeline.read_text().replace('"lacks":[]', '"lacks":["event_log"]'))
    with pytest.raises(BenchError, match="declares that the device has no event log"):
        import_events(run.path, [log], report=lambda line: None)


async def test_a_run_of_several_devices_cannot_be_told_apart(tmp_path):
    run = RunFolder.create(tmp_path, "a bench", "run")
    for number in range(2):
        record = await play(run, number)
        run.scenarios[-1] = record.model_copy(update={"duration_s": 500.0})
        folder = run.path / record.evidence.folder
        (folder / "record.json").write_text(run.scenarios[-1].model_dump_json())
    run.write(interrupted=False)
    with pytest.raises(BenchError, match=r"played at the same time.*run without -n"):
        import_events(run.path, [export(tmp_path, told(0, *WHOLE))], report=lambda line: None)
