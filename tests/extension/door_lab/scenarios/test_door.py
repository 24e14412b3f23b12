from intercom_hil.scenario import DEVICE, Bench, answers, invite, scenario


@scenario("DOOR-01")
async def test_a_press_rings_the_desk(bench: Bench) -> None:
    """A press of the button rings the desk (house rules 1)."""
    (desk,) = await bench.stations(answers())
    await bench.configure()
    pressed = await bench.intercom.press_button()
    await bench.expect("DOOR-01", invite(sender=DEVICE, to=desk.number), within=2, after=pressed)
