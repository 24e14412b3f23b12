"""Scenarios on a bench full of planted secrets. Played by test_secrets_stay_out.py, not by hand."""

import os

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
