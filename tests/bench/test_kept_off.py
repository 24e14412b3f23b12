"""What is of no scenario, or of an earlier one, is kept off a timeline: counted, and noted there."""

import pytest

from intercom_hil.bench.assembly import Assembly
from intercom_hil.bench_file.model import load
from intercom_hil.locations import DEFAULT_BENCH
from intercom_hil.timeline import Timeline, Witness
from intercom_hil.timeline.observation import DeviceEvent, InstrumentLost, Note, OutputChanged
from intercom_hil.timeline.sip_content import sip_content


async def test_events_of_an_idle_device_are_counted_and_noted(tmp_path):
    assembly = Assembly(load(DEFAULT_BENCH), run_folder=tmp_path)
    for _ in range(3):
        seen = assembly.append(Witness.CONSOLE, DeviceEvent(name="incoming_call_received"))
        assert seen.seq == -1
    assert assembly.close_timeline() == 3
    (note,) = assembly.timeline
    assert note.content.text == "not on this timeline: 3 events of the device before the scenario touched it"


async def test_what_comes_between_two_scenarios_is_noted_in_the_next(tmp_path):
    assembly = Assembly(load(DEFAULT_BENCH), run_folder=tmp_path)
    assert assembly.close_timeline() == 0
    assert len(assembly.timeline) == 0
    assembly.append(Witness.BENCH, Note(text="late"))
    assembly.timeline = Timeline()  # as the next scenario has it
    assert assembly.close_timeline() == 1
    assert assembly.timeline[0].content.text == "not on this timeline: 1 observations between two scenarios"


async def test_what_a_device_still_logs_of_an_earlier_press_is_not_of_this_scenario(tmp_path):
    assembly = Assembly(load(DEFAULT_BENCH), run_folder=tmp_path)
    pressed = OutputChanged(name="button", active=True, confirmed=False)

    def logs(*names):
        return [assembly.append(Witness.SYSLOG, DeviceEvent(name=name)).seq >= 0 for name in names]

    assembly.append(Witness.BUTTON, pressed)
    assert logs("outgoing_call_initiated", "outgoing_call_failure") == [True, True]
    assembly.append(Witness.BUTTON, OutputChanged(name="button", active=False, confirmed=False))
    begin_another_scenario(assembly)
    assembly.name_station("127.0.0.21", "3410")
    assert logs("outgoing_call_failure", "outgoing_call_contact_failure") == [False, False]
    assert logs("outgoing_call_contact_failure") == [True]  # of no press at all: this is held against it
    assembly.append(Witness.BUTTON, pressed)
    assert logs("outgoing_call_initiated", "outgoing_call_failure") == [True, True]


async def test_how_a_call_ends_that_an_earlier_scenario_left_up_is_not_of_this_scenario(tmp_path):
    assembly = Assembly(load(DEFAULT_BENCH), run_folder=tmp_path)

    def logs(*names):
        return [assembly.append(Witness.SYSLOG, DeviceEvent(name=name)).seq >= 0 for name in names]

    assembly.name_station("127.0.0.21", "3410")
    assert logs("incoming_call_received") == [True]
    assembly.attribution.leave_up(placed=0, taken=1)
    begin_another_scenario(assembly)
    assembly.name_station("127.0.0.21", "3410")
    # Ended when it is configured; a second end would be of no call at all, and so would one of a placed call.
    assert logs("incoming_call_local_hangup", "incoming_call_local_hangup") == [False, True]
    assert logs("outgoing_remote_hangup") == [True]
    assembly.attribution.leave_up(placed=1, taken=1)
    begin_another_scenario(assembly)
    assembly.name_station("127.0.0.21", "3410")
    assert logs("incoming_call_received", "incoming_call_remote_hangup") == [True, True]  # of its own call
    assert logs("outgoing_call_initiated", "outgoing_remote_hangup") == [True, True]


def sip(start, name_of={"192.0.2.30": "device", "192.0.2.10": "pbx"}.get):
    """A message of the PBX's call to the device."""
    to_device = not start.startswith("SIP")
    method = "INVITE" if start[:6] in ("INVITE", "SIP/2.") else start.split()[0]
    ends = (("192.0.2.10", 5060), ("192.0.2.30", 5060))
    payload = (
        f"{start}\r\nVia: SIP/2.0/UDP 192.0.2.10;branch=z9hG4bK1\r\nFrom: <sip:3410@192.0.2.10>;tag=a\r\n"
        f"To: <sip:3401@192.0.2.30>\r\nCall-ID: c\r\nCSeq: 1 {method}\r\nContent-Length: 0\r\n\r\n"
    )
    there, back = ends if to_device else ends[::-1]
    return sip_content(payload.encode(), there, back, "UDP", lambda host, port: name_of(host))


async def test_a_call_that_reaches_the_device_one_scenario_late_is_of_that_one(tmp_path):
    assembly = Assembly(load(DEFAULT_BENCH), run_folder=tmp_path)

    def passes(*starts):
        return [assembly.append(Witness.WIRE, sip(start)).seq >= 0 for start in starts]

    invite, cancel = (f"{method} sip:3401@192.0.2.30 SIP/2.0" for method in ("INVITE", "CANCEL"))
    assert passes(invite) == [True]  # to a device that is starting: nobody listens yet
    begin_another_scenario(assembly)
    assert passes(invite) == [False]
    begin_another_scenario(assembly)
    assert passes(invite, "SIP/2.0 100 Trying", cancel, "SIP/2.0 487 Gone") == [False, True, True, True]
    assert [str(o.content).split()[0] for o in assembly.timeline] == ["INVITE", "100", "CANCEL", "487"]
    assert assembly.close_timeline() == 0
    begin_another_scenario(assembly)
    assert passes(invite, "SIP/2.0 487 Gone") == [False, False]  # what is sent again of a call that is over


@pytest.mark.parametrize("answered_first", [True, False])
async def test_what_a_device_decides_about_a_call_of_the_scenario_before_is_not_of_this_one(
    tmp_path, answered_first
):
    assembly = Assembly(load(DEFAULT_BENCH), run_folder=tmp_path)
    rejected = DeviceEvent(name="incoming_call_rejected")

    def passes(*contents):
        return [assembly.append(Witness.WIRE, content).seq >= 0 for content in contents]

    invite = "INVITE sip:3401@192.0.2.30 SIP/2.0"
    assert passes(sip(invite), sip("SIP/2.0 180 Ringing")) == [True, True]
    begin_another_scenario(assembly)
    assembly.name_station("127.0.0.21", "3410")  # the scenario has touched the device
    refused = sip("SIP/2.0 500 No")
    late = (refused, rejected) if answered_first else (rejected, refused)
    assert passes(*late) == [False, False]
    of_its_own = sip(invite).model_copy(update={"call_id": "d"})
    refused_too = refused.model_copy(update={"call_id": "d"})
    assert passes(of_its_own, rejected, refused_too) == [True, True, True]
    begin_another_scenario(assembly)
    assembly.name_station("127.0.0.21", "3410")
    assert passes(rejected) == [True]  # of no call at all: this is held against it


async def test_a_call_that_nobody_ever_answered_excuses_one_scenario_only(tmp_path):
    assembly = Assembly(load(DEFAULT_BENCH), run_folder=tmp_path)
    assembly.append(Witness.WIRE, sip("INVITE sip:3401@192.0.2.30 SIP/2.0"))
    for kept_off in (True, False):
        begin_another_scenario(assembly)
        assembly.name_station("127.0.0.21", "3410")
        seen = assembly.append(Witness.WIRE, DeviceEvent(name="incoming_call_rejected"))
        assert (seen.seq < 0) == kept_off


async def test_a_call_with_the_call_id_of_an_earlier_scenario_is_of_the_scenario_that_it_begins_in(tmp_path):
    assembly = Assembly(load(DEFAULT_BENCH), run_folder=tmp_path)

    def passes(*contents):
        return [assembly.append(Witness.WIRE, content).seq >= 0 for content in contents]

    invite, answer = sip("INVITE sip:3401@192.0.2.30 SIP/2.0"), sip("SIP/2.0 200 OK")
    bye = answer.model_copy(update={"method": "BYE", "from_tag": "b", "to_tag": "a"})
    assert passes(invite, answer) == [True, True]
    begin_another_scenario(assembly)
    other = [one.model_copy(update={"from_tag": "n"}) for one in (invite, answer)]
    assert passes(bye, *other, bye) == [False, True, True, False]
    assert passes(bye.model_copy(update={"to_tag": "n"})) == [True]
    assert passes(bye.model_copy(update={"to_tag": ""})) == [True]  # of the one that had the Call-ID last


def restart():
    """What a device's console reports when it has restarted."""
    return InstrumentLost(instrument="device", problem="it restarted: boot EMU-1", blame="device")


async def test_a_restart_between_two_scenarios_is_a_finding_and_held_against_neither(tmp_path):
    assembly = Assembly(load(DEFAULT_BENCH), run_folder=tmp_path)
    assembly.close_timeline()
    before = assembly.timeline
    assembly.append(Witness.CONSOLE, restart(), 1_795_780_920.0)
    assert before.alarm is None
    begin_another_scenario(assembly)
    assert assembly.attribution.restarts == [
        "the device restarted between two scenarios, at 12:02:00 UTC: it restarted: boot EMU-1"
    ]


async def test_a_restart_is_held_against_a_device_only_when_the_scenario_has_touched_it(tmp_path):
    assembly = Assembly(load(DEFAULT_BENCH), run_folder=tmp_path)
    begin_another_scenario(assembly)
    assembly.append(Witness.CONSOLE, restart())
    assert assembly.timeline[0].content.text.startswith("the device restarted between two scenarios, at ")
    assembly.append(Witness.BUTTON, OutputChanged(name="button", active=True, confirmed=False))
    assembly.append(Witness.CONSOLE, restart())
    assert assembly.timeline[len(assembly.timeline) - 1].content.kind == "lost"


def begin_another_scenario(assembly):
    """As ``Assembly.begin`` does, but without the witnesses, which are not there."""
    assembly.close_timeline()
    assembly.attribution.begin()
    assembly.timeline = Timeline()
