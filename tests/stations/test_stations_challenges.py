"""Stations that ask for credentials: before a call, and when it is hung up."""

import pytest
from raw_party import RawParty

from intercom_hil.stations.behaviours import BehaviourError, calls, challenges

RAW = "127.0.44.43"


@pytest.mark.parametrize(("status", "header"), [(401, "WWW-Authenticate"), (407, "Proxy-Authenticate")])
async def test_a_challenging_station_takes_no_credentials(stations, status, header):
    station = await stations.start("3401", challenges(status, 'my "realm"'))
    async with RawParty(RAW) as raw:
        raw.request("INVITE", station, raw.offer())
        challenge = await raw.receive(f"{status} INVITE")
        assert challenge.header(header).startswith('Digest realm="my \\"realm\\"", nonce="')
        raw.to = challenge.header("To")
        raw.request("ACK", station, cseq=1, branch=raw.branch)
        ends = await stations.stop_all()
    assert ends[0].problem == ""


async def test_a_caller_challenges_the_first_bye_and_takes_the_second(stations):
    async with RawParty(RAW) as raw:
        behaviour = calls(f"sip:raw@{RAW}", (RAW, 5090), "sip:3401@x", challenge=(401, "asterisk"))
        caller = await stations.start("3401", behaviour)
        invite = await raw.receive("INVITE")
        raw.call_id, raw.to = invite.header("Call-ID"), invite.header("From")
        raw.respond(invite, 200, raw.offer(), to_tag=raw.tag)
        await raw.receive("ACK")
        raw.request("BYE", caller, cseq=2)
        assert 'realm="asterisk"' in (await raw.receive("401 BYE")).header("WWW-Authenticate")
        raw.request("BYE", caller, cseq=3)
        await raw.receive("200 BYE")
        await caller.finished(within=3)


@pytest.mark.parametrize(("status", "realm", "named"), [(403, "x", "status"), (401, "a\nb", "realm")])
def test_a_challenge_that_is_none_is_named(status, realm, named):
    with pytest.raises(BehaviourError, match=named):
        challenges(status, realm)
