"""The life of one scenario on a running bench, from healing to record.

What ends a scenario decides only what it could still find out: an expectation that failed is the device's
fault, a device that went away is too, a bench that broke is nobody's but ours, and a precondition that was
not met leaves the question open.
"""

from __future__ import annotations

import asyncio
import re
import traceback
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from math import inf
from pathlib import Path
from time import monotonic

from intercom_hil.bench.assembly import Assembly
from intercom_hil.bench.event_channels import compared, deferred
from intercom_hil.device.intercom import Intercom
from intercom_hil.errors import BenchError, DeviceCrashed, Inconclusive, NotApplicable
from intercom_hil.evidence.digests import write_digests
from intercom_hil.evidence.records import Attempt, ScenarioRecord, Step
from intercom_hil.evidence.run import RECORD, RunFolder, write_lines
from intercom_hil.judge.calls import calls, free_at
from intercom_hil.judge.corroboration import lagging_copies
from intercom_hil.judge.deviations import deviations
from intercom_hil.judge.device_clock import reading
from intercom_hil.judge.expected_events import Missing, dated_causes, missing_events
from intercom_hil.judge.flood import MOST, WINDOW, FloodGauge, flood
from intercom_hil.judge.judge import ExpectationFailed, Judge
from intercom_hil.judge.judgement import folded, not_judged, without_repeats
from intercom_hil.judge.lateness import SLACK, excuse, late_between, matters
from intercom_hil.judge.messages import sip
from intercom_hil.media.sound import MICROPHONE_TONE
from intercom_hil.monitors.pressed import to_be_over
from intercom_hil.monitors.taken_calls import last_unshown
from intercom_hil.redaction.redaction import Redactor
from intercom_hil.registrations.registering import not_asked_again
from intercom_hil.scenario.declaration import excused
from intercom_hil.scenario.timeout import suspended_while_asked
from intercom_hil.spec.capabilities import Capability, Needs
from intercom_hil.spec.catalogue import CATALOGUE
from intercom_hil.spec.catalogues import requirement
from intercom_hil.spec.events import OUTGOING_CONTACTS_EXHAUSTED, OUTGOING_FAILURE, EventKind
from intercom_hil.spec.timing import Timing
from intercom_hil.spec.verdict import Verdict
from intercom_hil.stations.left_calls import LeftCall, end_call
from intercom_hil.timeline import Observation, Pattern, Timeline, Witness, now
from intercom_hil.timeline.attribution import RESTARTED
from intercom_hil.timeline.observation import Configured, Declared, Note, SipMessageSeen
from intercom_hil.timeline.vocabulary import DEVICE, event, request

LONGEST = 120.0
"""Seconds after which a scenario that does not end is ended; those that a person is asked do not count.

A slow device gets as many times longer as it is slower than usual.
"""
_AND_A_BIT = 0.02
"""Seconds by which a wait for what must not be too late goes on: it is too late after that, and not at it."""
_OF_A_PRESS = ("OUT-06", "INC-05")
"""What a press in a call that is up does."""
WRITTEN_WITHOUT_SECRETS = ("capture.pcapng", "timeline.jsonl", "judgements.jsonl", "settings.json", RECORD)
"""Files of a scenario that secrets are kept out of as they are written; other programs write the rest."""
GAPS = frozenset(row.id for row in CATALOGUE.values() if not row.judged)
_ACRONYMS = frozenset({"ca", "pbx", "rtp", "sdp", "sip", "srtp", "tcp", "tls", "udp", "uri"})


class ScenarioFailed(AssertionError):  # noqa: N818  (it says what happened)
    """The scenario did not pass; the message convinces its reader."""

    def __init__(self, record: ScenarioRecord) -> None:
        self.record = record
        lines = [f"verdict: {record.verdict}"]
        lines += [
            f"{j.requirement} {j.verdict}: expected {j.expected}; {j.seen}"
            + (f" [{', '.join(j.witnesses)}]" if j.witnesses else "")
            for j in record.judgements
            if j.verdict.breaks_the_run
        ]
        lines += record.problems
        lines += [f"evidence: {record.evidence.folder}"]
        super().__init__("\n".join(lines))


class ScenarioRunner:
    """One scenario, played as often as needed; ``record`` files the last attempt with those before it."""

    def __init__(
        self,
        assembly: Assembly,
        run: RunFolder,
        *,
        identity: str,
        doc: str,
        requirements: tuple[str, ...],
        needs: Needs,
    ) -> None:
        recorded = {identity for identity in requirements if not requirement(identity).judged}
        self._gaps = GAPS | recorded
        self.judge = Judge(Timeline(), self._gaps)
        self._assembly, self._run = assembly, run
        self._identity, self._doc, self._requirements = identity, doc, requirements
        self._needs = needs
        self._excused: dict[str, str] = {}
        self._unlogged: dict[EventKind, int] = {}
        self.steps: tuple[Step, ...] = ()
        self.steps_end = ""
        self._records: list[ScenarioRecord] = []
        self._secrets = 0
        self._closed = 0.0
        self._bound: asyncio.Timeout | None = None
        self._more = 0.0  # s, beyond how long a scenario lasts otherwise

    def prolong(self, seconds: float) -> None:
        """Let the running attempt last that much longer."""
        self._more += seconds
        ends = self._bound.when() if self._bound is not None else None
        if self._bound is not None and ends is not None:
            self._bound.reschedule(ends + seconds)

    async def attempt(self, scenario: Callable[[], Awaitable[None]], number: int) -> Verdict:
        """Play the scenario once, and return the verdict of this attempt."""
        capabilities = self._assembly.file.device.capabilities
        not_applicable = excused(capabilities, self._requirements, self._needs)
        self._excused = not_applicable
        if self._requirements and not_applicable.keys() >= set(self._requirements):
            self._records.append(self._excluded(not_applicable, number))
            return Verdict.NOT_APPLICABLE
        started, self._closed, self._unlogged = (now(), monotonic()), 0.0, {}
        folder = self._run.folder_of(self._identity, number)
        problems: list[str] = []
        dropped = kept_off = 0
        try:
            self._run.scenario_folder(self._identity, number)
            await self._assembly.heal()
            self._secrets = self._run.redactor.known
            timeline = self._assembly.begin(folder)
        except BenchError as problem:
            timeline, ending = Timeline(), Verdict.ERROR
            self.judge = Judge(timeline, self._gaps, not_applicable)
            healed = self._assembly.whole or self._run.unwritable is not None
            problems.append(str(problem) if healed else f"the bench could not be healed: {problem}")
        else:
            intercom = self._assembly.intercom
            intercom.rest_left = partial(self._rest_left, intercom)
            capabilities = self._assembly.file.device.capabilities
            has = tuple(c.value for c in Capability if not capabilities.lacks(c))
            lacks = tuple(c.value for c in Capability if capabilities.lacks(c))
            file = self._assembly.file
            declared = Declared(
                has=has,
                lacks=lacks,
                deferred=deferred(file),
                copied_by=compared(file),
                unheard=self._assembly.unheard(),
                timing=self._timing,
                microphone_tone=MICROPHONE_TONE,
                last_taken=intercom.last_taken,
            )
            timeline.append(Witness.BENCH, declared)
            self.judge = Judge(
                timeline,
                self._gaps,
                not_applicable,
                self._assembly.catch_up,
                self._assembly.report_lateness,
            )
            ending = await self._drive(scenario, problems)
            settled = now()
            self._assembly.report_lateness()
            dropped, broken = await self._clean_up(problems)
            ending = self._after_cleaning_up(ending, broken, problems)
            for key in self._run.keys.take(timeline, self._identity):
                timeline.append(Witness.BENCH, key)
            if ending in (Verdict.PASS, Verdict.INCONCLUSIVE):  # else the witnesses were cut short
                # loaded when a scenario is over: the first registration need not wait for it
                from intercom_hil.monitors.monitors import monitor

                found = monitor(timeline, self._closed, settled)
                self.judge.judgements += without_repeats(found, self.judge.judgements)
            kept_off = self._assembly.close_timeline()
        record = self._recorded(timeline, folder, started, ending, problems, dropped, kept_off)
        self._records.append(record)
        return record.verdict

    @contextmanager
    def _watched_for_floods(self, bound: asyncio.Timeout) -> Iterator[None]:
        """Cut off a device that floods the bench, and the scenario with it: ``bound`` runs out at once."""
        gauge, timeline = FloodGauge(), self.judge.timeline

        def heed(observation: Observation) -> None:
            if gauge.take(observation) >= MOST and timeline.alarm is None and any(flood(timeline)):
                sent = f"the device sent {MOST} requests within {WINDOW:g} s"
                self._assembly.cut_off(f"{sent}, and was cut off: nothing else could be found out")
                bound.reschedule(asyncio.get_running_loop().time())

        ignore = timeline.listen(heed)
        try:
            yield
        finally:
            ignore()

    def _cut_off(self, problems: list[str]) -> Verdict:
        alarm = str(self.judge.timeline.alarm)
        problems += [alarm] if alarm not in problems else []
        return Verdict.INCONCLUSIVE

    @property
    def is_the_last(self) -> bool:
        """Whether nothing can be played after it, because no more evidence can be kept."""
        return self._run.unwritable is not None

    def record(self) -> ScenarioRecord:
        """File the scenario in the run, and return its record; that of an error where it cannot be stored."""
        *earlier, last = self._records
        attempts = [Attempt(verdict=r.verdict, problems=r.problems, evidence=r.evidence) for r in earlier]
        filed = last.model_copy(update={"attempts": len(self._records), "earlier": attempts})
        return self._run.add(filed)

    def _excluded(self, not_applicable: dict[str, str], number: int) -> ScenarioRecord:
        """Return the record of a scenario that is not played, for none of its requirements applies."""
        self.judge = Judge(Timeline(), self._gaps, not_applicable)
        reasons = dict.fromkeys(not_applicable[requirement] for requirement in self._requirements)
        folder = self._run.folder_of(self._identity, number)
        with suppress(BenchError):  # the run takes note of it
            self._run.scenario_folder(self._identity, number)
        ending = Verdict.NOT_APPLICABLE
        return self._recorded(self.judge.timeline, folder, (now(), monotonic()), ending, [*reasons], 0)

    async def _drive(self, scenario: Callable[[], Awaitable[None]], problems: list[str]) -> Verdict:
        """Run the scenario and let the witnesses catch up; return the verdict of how it ended."""
        ending = Verdict.PASS
        try:
            self._more = 0.0
            async with asyncio.timeout(self._longest) as bound:
                self._bound = bound
                try:
                    with suspended_while_asked(bound, self.judge.timeline), self._watched_for_floods(bound):
                        await scenario()
                except (ExpectationFailed, Inconclusive) as problem:
                    if isinstance(problem, Inconclusive):
                        problems.append(str(problem))
                    ending = Verdict.INCONCLUSIVE
                await self._settle()
        except NotApplicable as problem:
            problems.append(str(problem))
            return Verdict.NOT_APPLICABLE
        except Inconclusive:  # the alarm: what was still awaited cannot come any more
            return self._cut_off(problems)
        except DeviceCrashed as problem:
            problems.append(f"the device went away: {problem}")
            return Verdict.FAIL
        except BenchError as problem:
            problems.append(f"the bench broke: {problem}")
            return Verdict.ERROR
        except TimeoutError:
            if isinstance(self.judge.timeline.alarm, Inconclusive):
                return self._cut_off(problems)
            late = late_between(self.judge.timeline, self.judge.timeline.opened, now())
            reason = f"; {excuse(late)}" if matters(late, self._longest) else ""
            problems.append(f"the scenario did not end within {self._longest:.0f} s{reason}")
            return Verdict.INCONCLUSIVE if reason else Verdict.ERROR
        except OSError as problem:  # of this machine: a full disk, a file that has gone
            problems.append(f"the bench broke: {BenchError.of(problem)}")
            return Verdict.ERROR
        except Exception as problem:
            problems.append(f"the scenario itself is broken: {type(problem).__name__}: {problem}")
            problems.append(traceback.format_exc())
            return Verdict.ERROR
        return ending

    async def _settle(self) -> None:
        """Wait, within bounds, for what witnesses have yet to report, and judge what was left for the end."""
        timeline = self.judge.timeline
        await self._await_hang_up()
        self._closed = now()
        await self._assembly.capture.settle()
        await self._await_registration()
        deadline = monotonic() + self._timing.log
        await self._hear_of_calls(self._closed, deadline)
        self._unlogged = {m.kind: len(m.causes) - len(m.logged) for m in self._missing(self._closed)}
        await self._assembly.intercom.ask_for_events()
        for source, wanted in lagging_copies(timeline, self._closed).items():
            copy = Pattern(kind="event_copy", text=f"event told by {source}").where(source=source)
            await self.judge.wait(copy, within=max(0.0, deadline - monotonic()), count=wanted)
        if lagging_copies(timeline, self._closed) or self._missing(self._closed):
            await self._assembly.intercom.ask_for_events()
        await self.judge.conclude(max(0.0, deadline - monotonic()))

    async def _await_hang_up(self) -> None:
        """Go on while the device may yet end a call that a press was to end (OUT-06, INC-05)."""
        if any(j.requirement in _OF_A_PRESS and j.verdict is Verdict.FAIL for j in self.judge.judgements):
            return  # it has been told
        timeline, ended = self.judge.timeline, request("BYE", sender=DEVICE)
        deadline = monotonic() + self._timing.hang_up + self._timing.tolerance + SLACK
        while (limit := max(to_be_over(timeline), default=0.0)) >= now():
            due = _AND_A_BIT + limit - now()
            if (left := min(due, deadline - monotonic())) <= 0:  # whatever becomes of the wall clock
                break
            await self.judge.wait(ended, within=left, after=now())

    async def _await_registration(self) -> None:
        """Go on while the device may yet ask for a registration that it took back (REG-01)."""
        timeline, asking = self.judge.timeline, request("REGISTER", sender=DEVICE)
        deadline = monotonic() + self._timing.registered + self._timing.tolerance + SLACK
        while any(until >= now() for _, until in not_asked_again(timeline)):
            if (left := deadline - monotonic()) <= 0:
                break
            await self.judge.wait(asking, within=left, after=now())

    def _rest_left(self, intercom: Intercom, least: float = 0.0) -> float:
        """Return for how long (s) the device still rests; while a call is up it need not.

        ``least`` is what a rest takes at least (s), whatever the bench file says.
        It is asked also when the bench is already being taken down: for the log that is exported last.
        """
        rest = max(self._timing.rest, least)
        return min(rest, free_at(self.judge.timeline, rest, intercom.last_call) - now())

    @property
    def _timing(self) -> Timing:
        return self._assembly.file.device.timing

    @property
    def _longest(self) -> float:
        """Seconds after which a scenario is ended."""
        slowness = max(self._timing.slowness, self._assembly.file.device.limits.slowness)
        return LONGEST * slowness + self._more

    @property
    def _unheard(self) -> bool:
        """Whether the device's events do not come in while the bench runs."""
        file = self._assembly.file
        return file.device.capabilities.lacks(Capability.EVENT_LOG) or "event" in deferred(file)

    def _missing(self, until: float) -> list[Missing]:
        """Return what the device has yet to log of the calls until then, if it is heard of live at all."""
        return [] if self._unheard else missing_events(self.judge.timeline, until)

    async def _hear_of_calls(self, until: float, deadline: float) -> None:
        """Wait for what the device has yet to log, but for that which it has left out already."""
        for missing in self._missing(until):
            wanted = len(missing.causes) - self._unlogged.get(missing.kind, 0)
            within = max(0.0, deadline - monotonic())
            await self.judge.wait(event(missing.kind), within=within, count=wanted)

    async def _end_left_calls(self) -> None:
        """End what the stations, which are gone by now, could not: the device is in those calls alone."""
        assembly = self._assembly
        await assembly.capture.flush()
        stations = [str(address) for address in assembly.file.stations.addresses]
        standing = (c for c in calls(assembly.timeline) if c.accepted and c.over == inf)
        left = [LeftCall.of([sip(o) for o in call.messages], stations) for call in standing]
        ended = await asyncio.gather(*(end_call(call) for call in left if call is not None))
        if any(ended):
            told = f"the bench ended {sum(ended)} calls that their stations had left standing"
            assembly.append(Witness.BENCH, Note(text=told))

    async def _hear_out(self) -> None:
        """Let the device log the end of calls that were ended only now: it is still of this scenario."""
        await self._assembly.capture.flush()
        deadline = monotonic() + self._timing.log
        await self._hear_of_calls(now(), deadline)
        timeline = self.judge.timeline
        failed = [t for k, t in dated_causes(timeline) if k == OUTGOING_FAILURE.name and t > self._closed]
        if failed and not self._unheard:
            for kind, count in ((OUTGOING_FAILURE, len(failed)), (OUTGOING_CONTACTS_EXHAUSTED, 1)):
                within = max(0.0, deadline - monotonic())
                await self.judge.wait(event(kind), within=within, after=self._closed, count=count)

    def _after_cleaning_up(self, ending: Verdict, broken: bool, problems: list[str]) -> Verdict:
        """Return how the scenario ended, with what was lost before its record is closed.

        Evidence that was lost then is lost, and a device that went away then went away in this scenario. What
        could only not be tidied up takes nothing back of what the device has already failed.
        """
        alarm = self.judge.timeline.alarm
        if ending not in (Verdict.PASS, Verdict.INCONCLUSIVE) or isinstance(alarm, Inconclusive):
            return ending
        if isinstance(alarm, DeviceCrashed):
            problems.append(f"the device went away, in the cleaning up: {alarm}")
            return Verdict.FAIL
        if alarm is not None:
            problems.append(f"the bench broke, in the cleaning up: {alarm}")
            return Verdict.ERROR
        failed = any(judgement.verdict is Verdict.FAIL for judgement in self.judge.judgements)
        return Verdict.ERROR if broken and not failed else ending

    async def _clean_up(self, problems: list[str]) -> tuple[int, bool]:
        """Leave no call standing.

        Returns:
            How many packets the capture lost, and whether something of the bench broke.
        """
        assembly = self._assembly
        broken = False
        # In this order: the PBX ends its calls while there are stations that answer, which then end the rest.
        steps = (
            assembly.clear_pbx,
            assembly.stations.stop_all,
            assembly.tls_servers.close_all,
            self._end_left_calls,
            self._hear_out,
            assembly.intercom.end,
            assembly.renew_proxy,
        )
        for step in steps:
            try:
                await step()
            except (BenchError, DeviceCrashed, Inconclusive, OSError) as problem:
                if assembly.timeline.alarm is None:
                    said = BenchError.of(problem) if isinstance(problem, OSError) else problem
                    problems.append(f"cleaning up: {said}")
                    broken |= isinstance(said, BenchError)
        known = calls(assembly.timeline)
        if known:
            assembly.intercom.last_call = now()
        assembly.intercom.last_taken = last_unshown(assembly.timeline)
        up = [call.placed for call in known if call.accepted and call.over == inf]
        if up:
            assembly.attribution.leave_up(placed=up.count(True), taken=up.count(False))
            assembly.intercom.forget()
        dropped = 0
        try:
            assembly.pbx.end()
            dropped = (await assembly.capture.end()).dropped
        except (BenchError, OSError) as problem:
            broken = True
            if assembly.timeline.alarm is None:
                said = BenchError.of(problem) if isinstance(problem, OSError) else problem
                problems.append(f"cleaning up: {said}")
        await assembly.check()  # what hangs has seen nothing of late
        return dropped, broken

    def _recorded(
        self,
        timeline: Timeline,
        folder: Path,
        started: tuple[float, float],
        ending: Verdict,
        problems: list[str],
        dropped: int,
        kept_off: int = 0,
    ) -> ScenarioRecord:
        judgements = self.judge.judgements
        notes = [o.content.text for o in timeline if isinstance(o.content, Note)]
        restarts = tuple(text for text in notes if text.startswith(RESTARTED))
        problems[:0] = restarts
        asked = tuple(r for r in self._requirements if r not in self._excused)
        settings = [o.content for o in timeline if isinstance(o.content, Configured)]
        redactor, keys = self._run.redactor, Redactor()
        if self._assembly.file.evidence.media_keys == "redacted":
            keys = self._run.media_keys.redactor(timeline)
        stored = Timeline(keys.model(observation) for observation in timeline)
        apart_from: tuple[str, ...] = WRITTEN_WITHOUT_SECRETS
        if redactor.known > self._secrets:  # what came up meanwhile was no secret before that
            stored = Timeline(redactor.model(observation) for observation in stored)
            apart_from = tuple(name for name in apart_from if name != "capture.pcapng")
        problems[:] = [keys.text(redactor.text(problem)) for problem in problems]
        judgements = [keys.model(redactor.model(judgement)) for judgement in judgements]
        try:
            if folder.is_dir() or self._run.unwritable is None:
                redactor.sweep(folder, apart_from=apart_from)
                keys.sweep(folder)
                stored.store(folder / "timeline.jsonl")
                write_lines(folder / "judgements.jsonl", (j.model_dump_json() for j in judgements))
                write_lines(folder / "settings.json", (c.model_dump_json(indent=1) for c in settings))
                write_digests(folder)
        except OSError as problem:
            problems.append(str(self._run.lose(folder, problem)))
            ending = Verdict.ERROR
        outcome = folded(judgements, ending, asked)
        excused = dict.fromkeys((r for r in self._requirements if r in self._excused), Verdict.NOT_APPLICABLE)
        problems += [not_judged(requirement) for requirement in outcome.unjudged]
        return ScenarioRecord(
            id=self._identity,
            title=sentence(self._identity),
            doc=_unindented(self._doc),
            verdict=outcome.verdict,
            requirements=excused | outcome.requirements,
            started=started[0],
            duration_s=round(monotonic() - started[1], 3),
            protocol_wait_s=round(timeline.protocol_wait(), 3),
            judgements=judgements,
            problems=problems,
            dropped_packets=dropped,
            kept_off=kept_off,
            late_s=round(late_between(timeline, 0.0, inf), 3),
            ending=ending,
            asked=asked,
            bench=self._assembly.file.bench.name,
            preconditions=tuple(self.judge.preconditions),
            restarts=restarts,
            deviations=deviations(stored),
            device_clock=reading(timeline),
            device_name=_name_of_device(timeline),
            steps=tuple(redactor.model(step) for step in self.steps),
            steps_end=self.steps_end,
            evidence=self._run.evidence(folder),
        )


def _name_of_device(timeline: Timeline) -> str:
    """Return the first name that the device gives itself, empty if it gives none."""
    names = (
        o.content.user_agent
        for o in timeline
        if isinstance(o.content, SipMessageSeen) and o.content.sender == DEVICE
    )
    return next(filter(None, names), "")


def sentence(identity: str) -> str:
    """Return a scenario's name for people.

    ``test_outgoing.test_the_srtp_call[in-clear]`` reads ``the SRTP call (in clear)``.
    """
    name = identity.partition(".")[2]
    words, _, case = name.removeprefix("test_").partition("[")
    said = " ".join(word.upper() if word in _ACRONYMS else word for word in words.split("_"))
    return said + (f" ({case.removesuffix(']').replace('-', ' ')})" if case else "")


def _unindented(doc: str) -> str:
    return re.sub(r"\n[ \t]+", "\n", doc).strip()
