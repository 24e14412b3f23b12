"""Scenarios on a bench full of planted secrets. Played by test_secrets_stay_out.py, not by hand."""

import asyncio
import base64
import os
import socket
from urllib.parse import quote

from intercom_hil.scenario import Settings, scenario
from intercom_hil.stations.behaviours import answers
from intercom_hil.timeline.vocabulary import DEVICE, PBX, answer, registered


@scenario("REG-01", settings=Settings(auth_password=os.environ.get("PLANTED_PASSWORD", "none-planted")))
async def test_1_the_device_registers_and_is_called(bench):
    (desk,) = await bench.stations(answers())
    await bench.configure(call_number=desk.number, afresh=True, await_registration=False)
    await bench.expect("REG-01", registered(), within=bench.timing.registered)
    await bench.intercom.press_button()
    await bench.require(answer(sender=PBX, receiver=DEVICE), within=3)


@scenario("REG-01")
async def test_2_a_scenario_breaks_with_a_secret_in_its_message(bench):
    raise RuntimeError(f"login with {os.environ['PLANTED_PASSWORD']} failed")


@scenario("REG-01", settings=Settings(auth_password=os.environ.get("PLANTED_PASSWORD", "none-planted")))
async def test_3_a_device_tells_its_password_in_every_form(bench):
    """By syslog in each form, and by HTTP in URL, headers and body, once split between two segments."""
    (desk,) = await bench.stations(answers())
    await bench.configure(call_number=desk.number, afresh=True, await_registration=False)
    await bench.expect("REG-01", registered(), within=bench.timing.registered)
    lane, password = os.environ["PLANTED_LANE"], os.environ["PLANTED_PASSWORD"]
    device, here = (f"127.0.{lane}.30", 0), f"127.0.{lane}.9"
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as syslog:
        syslog.bind(device)
        for form in os.environ["PLANTED_FORMS"].split():
            syslog.sendto(b"<13>1 - door app - - - it is " + bytes.fromhex(form) + b".", (here, 5514))
    basic = base64.b64encode(f"3401:{password}".encode()).decode()
    request = (
        f"POST /events?token={quote(password)} HTTP/1.1\r\nHost: bench\r\nAuthorization: Basic {basic}\r\n"
        f"Cookie: session={quote(password)}\r\nX-Split: {password}\r\nContent-Length: {len(password)}\r\n\r\n"
        f"{password}"
    ).encode()
    reader, writer = await asyncio.open_connection(here, 8099, local_addr=device)
    try:
        writer.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        middle = request.index(b"X-Split: ") + 15
        for half in (request[:middle], request[middle:]):
            writer.write(half)
            await writer.drain()
            await asyncio.sleep(0)
        await reader.readline()
    finally:
        writer.close()
