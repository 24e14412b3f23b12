"""Real SIPps call each other over loopback, and what they leave is read back."""

import asyncio
import re
import signal
from pathlib import Path

import pytest

from intercom_hil.sipp import (
    BuiltIn,
    Options,
    Sipp,
    SippError,
    Traces,
    Transport,
    read_messages,
    render,
    scenario_templates,
)

HERE = "127.0.45.20"
PAGE = Path(__file__).parents[2] / "docs" / "sipp.md"
REFUSES = """<?xml version="1.0" encoding="UTF-8"?>
<scenario name="refuses">
<recv request="INVITE"/>
<nop><action><log message="refusing [call_id]"/></action></nop>
<send><![CDATA[
SIP/2.0 486 {{ reason|sip }}
[last_Via:]
[last_From:]
[last_To:];tag=[pid]
[last_Call-ID:]
[last_CSeq:]
Content-Length: 0

]]></send>
<recv request="ACK"/>
</scenario>
"""


class Pairs:
    """A SIPp that is called and one that calls."""

    def __init__(self, host, folder):
        self.host, self.folder = host, folder

    def sipp(self, scenario, name, **options):
        traces = Traces.beside(self.folder / name)
        return Sipp(
            Options(scenario, local=(HERE, 0), traces=traces, **options),
            self.folder,
            name=name,
            host=self.host,
        )


async def established(folder):
    """Wait until the caller has acknowledged an answer."""
    for _ in range(1000):
        if any(m.payload.startswith(b"ACK") for m in read_messages(folder / "calling.messages.log")):
            return
        await asyncio.sleep(0.01)
    pytest.fail("no call was established")


@pytest.fixture
def pairs(container, request):
    host, folder, _ = container
    mine = folder / re.sub(r"\W", "-", request.node.name)
    mine.mkdir()
    return Pairs(host, mine)


@pytest.mark.parametrize("transport", [Transport.UDP, Transport.TCP])
async def test_calls_are_counted_timed_and_kept(pairs, transport):
    async with pairs.sipp(BuiltIn.UAS, "called", transport=transport) as called:
        caller = pairs.sipp(
            BuiltIn.UAC,
            "calling",
            transport=transport,
            remote=called.options.local,
            calls=2,
            rate=20,
            pause=0.1,
        )
        async with caller:
            result = await caller.finished(within=10)
        other = await called.stop()
    assert result.succeeded(calls=2)
    assert (other.statistics.created, other.statistics.failed) == (2, 0)
    assert not result.succeeded(calls=3)
    assert (result.statistics.created, result.statistics.failures, result.problem) == (2, {}, "")
    assert (result.steps[0].what, result.steps[0].counts["Sent"]) == ("INVITE", 2)
    assert [0 < one.seconds < 2 for one in result.response_times] == [True, True]
    messages = list(read_messages(pairs.folder / "calling.messages.log"))
    invite = next(message for message in messages if message.payload.startswith(b"INVITE"))
    assert (invite.sent, invite.transport) == (True, transport.name)
    assert len(messages) == 2 * 6


async def test_a_refused_call_is_a_failed_call(pairs):
    (pairs.folder / "refuses.xml.j2").write_text(REFUSES)
    scenario = render(
        scenario_templates(pairs.folder),
        "refuses.xml.j2",
        pairs.folder / "refuses.xml",
        reason='"No" & <never>',
    )
    async with pairs.sipp(scenario, "refusing") as called:
        async with pairs.sipp(BuiltIn.UAC, "calling", remote=called.options.local, calls=1) as caller:
            result = await caller.finished(within=10)
        assert (await called.stop()).succeeded()
    assert not result.succeeded()
    assert (result.statistics.failed, result.statistics.failures) == (1, {"UnexpectedMessage": 1})
    assert '486 "No" & <never>' in result.problem
    assert [line.split()[0] for line in called.log] == ["refusing"]


async def test_exit_status_0_proves_nothing(pairs):
    """SIPp ends with 0 when it is terminated in the middle of a call."""
    async with pairs.sipp(BuiltIn.UAS, "called") as called:
        caller = pairs.sipp(BuiltIn.UAC, "calling", remote=called.options.local, calls=1, pause=60)
        async with caller:
            await established(pairs.folder)
            result = await caller.stop((signal.SIGTERM,), grace=5)
    assert (result.exit_status, result.succeeded()) == (0, False)


async def test_stopping_lets_a_call_come_to_its_end(pairs):
    async with pairs.sipp(BuiltIn.UAS, "called") as called:
        caller = pairs.sipp(BuiltIn.UAC, "calling", remote=called.options.local, pause=0.3, simultaneous=1)
        async with caller:
            await established(pairs.folder)
            result = await caller.stop(grace=5)
    assert result.succeeded()
    assert await caller.stop() == result


async def test_a_sipp_that_does_not_obey_is_killed(pairs):
    async with pairs.sipp(BuiltIn.UAS, "called") as called:
        called.signal(signal.SIGSTOP)
        result = await called.stop(grace=0.1)
    assert (result.signal, result.exit_status) == (signal.SIGKILL, None)


async def test_its_lifetime_ends_it(pairs):
    async with pairs.sipp(BuiltIn.UAS, "called", lifetime=1.0) as called:
        result = await called.finished(within=5)
    assert not result.succeeded()


@pytest.mark.parametrize(
    ("text", "complaint"),
    [("<scenario", "would not start"), ("<scenario name='x'></scenario>", "would not start")],
)
async def test_a_wrong_scenario_is_named_in_sipps_words(pairs, text, complaint):
    scenario = pairs.folder / "wrong.xml"
    scenario.write_text(text)
    with pytest.raises(SippError, match=rf"wrong\.xml: .*{complaint}"):
        await pairs.sipp(scenario, "wrong").start()


@pytest.mark.parametrize("transport", [Transport.UDP, Transport.TCP])
async def test_a_taken_port_is_named(pairs, transport):
    async with pairs.sipp(BuiltIn.UAS, "called", transport=transport) as called:
        again = Options(BuiltIn.UAS, local=called.options.local, transport=transport)
        with pytest.raises(SippError, match=rf"{HERE}:\d+: another program has this {transport.name} port"):
            await Sipp(again, pairs.folder, name="again", host=pairs.host).start()


async def test_the_example_of_the_manual_runs(container):
    """On the container's Python, which has SIPp on its PATH and nothing of the bench around it."""
    host, folder, libraries = container
    blocks = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    mine = folder / "manual"
    mine.mkdir()
    (mine / "example.py").write_text(blocks[0])
    process = await host.start(
        "example",
        ["python3", str(mine / "example.py"), str(mine)],
        cwd=mine,
        env={"PYTHONPATH": ":".join(map(str, libraries))},
    )
    end = await process.wait(within=30)
    output = (mine / "example.out").read_text()
    assert end.status == 0, (mine / "example.err").read_text()
    assert "successful=3" in output
    assert "INVITEs sent: 3" in output
