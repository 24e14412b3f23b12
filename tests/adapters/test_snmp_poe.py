"""A port of a PoE switch: messages as the RFCs have them, lost datagrams, refusals, and a real SNMP agent."""

import contextlib
import os
import shutil
import socket
import subprocess

import pytest
from hypothesis import given
from hypothesis import strategies as st

from intercom_hil.adapters.snmp_poe import ADMIN_ENABLE, SnmpPoeOptions, decoded, encoded
from intercom_hil.errors import BenchError
from intercom_hil.instruments import SharedPorts, opened
from tests.contracts.poe_switch import PoeSwitch

OID = f"{ADMIN_ENABLE}.1.7"
NUMBER = 0x0AECA125
GET = bytes.fromhex(
    "302e020101040770726976617465a02002040aeca12502010002010030123010060c2b06010201690101010301070500"
)
"""What ``snmpget -v2c -c private`` of net-snmp 5.9.3 sends, and what its agent answers: 2."""
ANSWER = bytes.fromhex(
    "302f020101040770726976617465a22102040aeca12502010002010030133011060c2b0601020169010101030107020102"
)
SNMPD = shutil.which("snmpd", path=f"{os.environ.get('PATH', '')}:/usr/sbin")


@pytest.fixture
def switch():
    switch = PoeSwitch()
    yield switch
    switch.close()


def port(switch, **changes):
    table = {"kind": "snmp-poe", "address": switch.address, "snmp_port": switch.port, "interface": 7}
    return SnmpPoeOptions.model_validate(table | changes)


def test_a_request_is_what_other_tools_send():
    assert encoded(NUMBER, "private", OID, None) == GET
    assert encoded(NUMBER, "private", OID, 2)[-3:] == b"\x02\x01\x02"
    assert encoded(NUMBER, "x" * 200, OID, None)[:3] == bytes((0x30, 0x81, len(GET) - 2 + 193 + 1))
    assert decoded(ANSWER, NUMBER, OID) == 2
    assert decoded(ANSWER, NUMBER + 1, OID) is None
    assert decoded(GET, NUMBER, OID) is None


@given(st.binary(max_size=80) | st.tuples(st.integers(0, 48), st.integers(0, 255)))
def test_any_answer_is_a_value_nothing_or_one_error(what):
    data = what if isinstance(what, bytes) else ANSWER[: what[0]] + bytes((what[1],)) + ANSWER[what[0] + 1 :]
    with contextlib.suppress(ValueError):
        assert decoded(data, NUMBER, OID) is None or isinstance(decoded(data, NUMBER, OID), int)


async def test_a_lost_datagram_is_sent_again(switch):
    output = port(switch).make(SharedPorts())
    async with opened(output):
        switch.loses = 1
        assert await output.set(True) is True
        assert switch.on


async def test_a_supply_that_is_normally_on_is_left_on(switch):
    supply = port(switch).make_supply(SharedPorts(), name="supply", normally_on=True)
    async with opened(supply):
        assert switch.on
        await supply.set(True)
        assert not switch.on
    assert switch.on


@pytest.mark.parametrize(
    ("changes", "told"),
    [({"interface": 8}, "no such port"), ({"community": "public"}, "no answer within 5 s")],
)
async def test_a_switch_that_has_no_such_port_or_does_not_know_us_is_an_error(switch, changes, told):
    with pytest.raises(BenchError, match=told):
        await port(switch, **changes).make(SharedPorts()).open()


async def test_a_refusal_and_a_port_that_does_not_follow_are_errors(switch):
    output = port(switch).make(SharedPorts())
    async with opened(output):
        switch.refuses = 17
        with pytest.raises(BenchError, match="notWritable"):
            await output.set(True)
        switch.refuses, switch.stuck = 0, True
        with pytest.raises(BenchError, match="switched on but does not read on"):
            await output.set(True)
        switch.stuck = False


@pytest.fixture
def agent(tmp_path):
    """A real SNMP agent with that object, and the port on which it listens."""
    if SNMPD is None:
        pytest.skip("snmpd is not installed")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as free:
        free.bind(("127.0.45.8", 0))
        number = free.getsockname()[1]
    config = tmp_path / "snmpd.conf"
    config.write_text(
        f"agentaddress udp:127.0.45.8:{number}\nrwcommunity private\noverride -rw {OID} integer 2\n"
    )
    command = [SNMPD, "-f", "-Lo", "-C", "-c", str(config), "-p", str(tmp_path / "pid")]
    environment = {**os.environ, "SNMP_PERSISTENT_DIR": str(tmp_path), "MIBS": ""}
    with (tmp_path / "log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, env=environment)
    yield number
    process.kill()
    process.wait()


async def test_a_real_agent_is_switched_and_read(agent):
    table = {"kind": "snmp-poe", "address": "127.0.45.8", "snmp_port": agent, "interface": 7}
    output = SnmpPoeOptions.model_validate(table).make(SharedPorts())
    for last in (False, False, False, True):  # it may not listen yet
        try:
            await output.open()
        except BenchError:
            if last:
                raise
        else:
            break
    assert await output.set(True) is True
    assert await output.read() is True
    await output.close()
