"""REG: the device is known to its server, and proves who it is."""

from fixtures.scenario import requirement
from harness.bench.bench import Bench
from harness.judge.vocabulary import DEVICE, PBX, registered, request, response
from harness.timeline.pattern import Condition


@requirement("REG-01")
async def test_the_device_registers_its_extension_with_its_credentials(bench: Bench):
    """A device registers its extension, answering the server's challenge (RFC 3261 §10.2, §22.2).

    A device that nobody can find is a door that nobody can open: no guard's call ever reaches it.
    """
    await bench.configure(await_registration=False)

    await bench.expect("REG-01", request("REGISTER", sender=DEVICE, receiver=PBX), within=5)
    await bench.expect("REG-01", response(401, "REGISTER", sender=PBX, receiver=DEVICE), within=5)
    answer = request("REGISTER", sender=DEVICE, receiver=PBX).where(
        "REGISTER with digest credentials from device",
        raw=Condition(regex=r"(?s).*\nAuthorization: Digest .*"),
        to_uri=Condition(regex=rf"sip:{bench.intercom.extension}@.*"),
    )
    await bench.expect("REG-01", answer, within=5)
    await bench.expect("REG-01", registered(), within=5)
    await bench.expect("REG-01", bench.known_to_pbx(), within=5)
