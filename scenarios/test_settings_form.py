"""CFG: what the form refuses. Each wrong value is refused by the name of its field, and nothing changes.

The values lie just beyond each rule, or look like what is allowed. A batch of refusals is followed by one
call: it shows that the old configuration is in force, whole. What the page gives no rule for (lengths, upper
limits, settings left out that have a usual value) is nowhere among them.
"""

import ssl
import string
from collections.abc import Iterable

from intercom_hil.scenario import (
    DEVICE,
    Bench,
    Capability,
    VideoCalls,
    busy,
    configuration,
    invite,
    now,
    scenario,
)

LOOK_ALIKES = "аеорｄ３４０１٣٤٠１²³½ßéñıſ①Ⅳ一"
"""Letters and digits to Unicode, or to the eye, and not A to Z, a to z, 0 to 9."""
INVISIBLE = "\u00a0\u200b\u200d\u202e\ufeff\u0000\u007f\t\n\r"
NOT_LETTERS_OR_DIGITS = (
    "",
    " ",
    *sorted(set(string.punctuation)),
    *(f"34{mark}01" for mark in (" ", "@", ":", ";", "%", "-", "_", ".", '"', "'", "<", "\\", "/")),
    *(f"34{character}01" for character in LOOK_ALIKES + INVISIBLE),
    " 3401",
    "3401 ",
    "3401\n",
    "sip:3401",
)
NO_SIP_ADDRESS = (
    *(value for value in NOT_LETTERS_OR_DIGITS if value != "sip:3401"),
    "3401@192.0.2.10",
    "sip:",
    "sip:@192.0.2.10",
    "sip:3401@",
    "sip:3401",
    "sip:34 01@192.0.2.10",
    "sip:3401@192.0.2.10@192.0.2.11",
    "sip:3401@192.0.2.10:0",
    "sip:3401@192.0.2.10:65536",
    "sip:3401@192.0.2.10:port",
    "sip:3401@-pbx.example",
    "sip:3401@192.0.2.10;transport=tcp",
    "sip:3401@192.0.2.10?Subject=x",
    "sip:3401:secret@192.0.2.10",
    "sips:3401@192.0.2.10",
    "tel:3401",
    "http://192.0.2.10/",
    "<sip:3401@192.0.2.10>",
    "sip:3401@192.0.2.10\r\nContact: <sip:9@192.0.2.9>",
)
NO_HOST = (
    "",
    " ",
    "1.2.3",
    "1.2.3.4.5",
    "192.0.2.10:5060",
    "sip:192.0.2.10",
    "pbx example",
    "-pbx.example",
    "pbx-.example",
    "pbx..example",
    "pbx_1.example",
    "pbx.example\n",
    "пбх.example",
    "a" * 64 + ".example",
    ".".join(["abcdefg"] * 40),
    "fe80::1%lo",
    "192.0.2.10/24",
    "x" * 10_240,
)
NO_NUMBER: tuple[object, ...] = ("", "ten", "5060x", 1.5, True, [], {}, "٣٤")
WITHOUT_A_RULE: tuple[tuple[str, object], ...] = (
    ("colour", "red"),
    ("display_name", "x" * 129),
    ("auth_password", ""),
)
"""What the page says nothing about: a field of another form, a long name, no password, not even a dummy."""


@scenario("CFG-09", "CFG-22", needs=Capability.VALIDATION)
async def test_a_username_is_letters_and_digits_and_nothing_else(bench: Bench) -> None:
    """Whatever is not a letter A to Z or a digit is refused in the authentication username.

    A typing mistake would take the door off the telephone network, and nobody would have been told.
    """
    await _refuses(bench, "CFG-09", "auth_username", NOT_LETTERS_OR_DIGITS)


@scenario("CFG-12", "CFG-22", needs=Capability.VALIDATION)
async def test_an_extension_is_letters_and_digits_and_nothing_else(bench: Bench) -> None:
    """Whatever is not a letter A to Z or a digit is refused in the SIP extension.

    The door would register as somebody whom nobody can dial.
    """
    await _refuses(bench, "CFG-12", "extension", NOT_LETTERS_OR_DIGITS)


@scenario("CFG-13", "CFG-22", needs=Capability.VALIDATION)
async def test_a_call_number_is_an_extension_or_a_sip_address(bench: Bench) -> None:
    """A call number that is neither <extension> nor sip:<extension>@<server> is refused.

    The button would call nobody, and only a visitor would find out.
    """
    await _refuses(bench, "CFG-13", "call_number", NO_SIP_ADDRESS)


@scenario("CFG-14", "CFG-22", needs=Capability.VALIDATION)
async def test_each_further_number_is_an_extension_or_a_sip_address(bench: Bench) -> None:
    """One wrong further number among right ones is refused.

    The night guard would never be reached, and only an emergency would show it.
    """
    lists = [[value] for value in NO_SIP_ADDRESS] + [["3401", value, "3402"] for value in NO_SIP_ADDRESS[::7]]
    await _refuses(bench, "CFG-14", "further_numbers", [*lists, "3401", 3401])


@scenario("CFG-20", "CFG-22", needs=Capability.VALIDATION)
async def test_each_permitted_caller_is_an_extension_or_a_sip_address(bench: Bench) -> None:
    """One wrong entry in the list of permitted callers is refused.

    An entry that means nothing, or everybody, would stand in the list unnoticed.
    """
    odd: list[object] = [["*"], ["sip:*@*"], ["3401", ".*"], ["34[0-9]"], "3401"]
    await _refuses(bench, "CFG-20", "permitted_callers", [*([value] for value in NO_SIP_ADDRESS), *odd])


@scenario("CFG-03", "CFG-22", needs=Capability.VALIDATION)
async def test_a_server_address_is_an_ip_address_or_a_domain_name(bench: Bench) -> None:
    """A server that is neither an IP address nor a domain name (RFC 1123 §2.1) is refused.

    The door would look for a server that cannot exist.
    """
    await _refuses(bench, "CFG-03", "server_address", NO_HOST)


@scenario("CFG-04", "CFG-22", needs=Capability.VALIDATION)
async def test_a_server_port_is_a_number_from_1_to_65535(bench: Bench) -> None:
    """A port outside 1 to 65535, or no number at all, is refused (RFC 768).

    The door would talk to some other port than the one that was typed.
    """
    await _refuses(bench, "CFG-04", "server_port", (*NO_NUMBER, 0, -1, 65_536, 2**31, 2**64))


@scenario("CFG-05", "CFG-22", needs=Capability.VALIDATION)
async def test_a_polling_interval_is_a_positive_number_of_seconds(bench: Bench) -> None:
    """An interval of no seconds, or of something else than seconds, is refused.

    The door would never ask, or never stop asking.
    """
    await _refuses(bench, "CFG-05", "polling_interval", (*NO_NUMBER, 0, -1, -3600))


@scenario("CFG-06", "CFG-22", needs=Capability.VALIDATION)
async def test_a_transport_is_one_of_three(bench: Bench) -> None:
    """Something else than UDP, TCP and TLS is refused.

    The door would choose for itself, and the firewall would not know.
    """
    await _refuses(bench, "CFG-06", "transport", ("", "SCTP", "WS", "UDP,TCP", "TLSv1", 1, ["UDP"]))


@scenario("CFG-08", "CFG-22", needs=(Capability.SRTP, Capability.VALIDATION))
async def test_an_encryption_is_unset_or_one_of_two(bench: Bench) -> None:
    """Something else than the two modes, or nothing, is refused as encryption.

    A mode that the door does not know must not quietly become no encryption.
    """
    wrong = ("SRTP", "RTP", "SRTP-only ", "none", "DTLS-SRTP", "Fallback", True, 1, ["SRTP-only"])
    await _refuses(bench, "CFG-08", "encryption", wrong)
    for mode in ("", "RTP with Optional SRTP (Fallback Mode)", "SRTP-only"):
        submitted = await bench.submit({"encryption": mode})
        await bench.already_seen("CFG-08", configuration(accepted=True), after=submitted)


@scenario("CFG-15", "CFG-16", "CFG-22", needs=Capability.VALIDATION)
async def test_a_volume_is_a_number_within_its_range(bench: Bench) -> None:
    """A volume below silence or beyond all measure is refused.

    The door would howl, or fall silent.
    """
    wrong = (*NO_NUMBER, -1, -100, 1_000_000, 2**64)
    await _refuses(bench, "CFG-15", "microphone_volume", wrong, call=False)
    await _refuses(bench, "CFG-16", "speaker_volume", wrong)


@scenario("CFG-17", "CFG-22", needs=Capability.VALIDATION)
async def test_a_call_timeout_is_a_positive_number_of_seconds(bench: Bench) -> None:
    """A timeout of no seconds, or of something else than seconds, is refused.

    Every call would end before anybody can answer.
    """
    await _refuses(bench, "CFG-17", "call_timeout", (*NO_NUMBER, 0, -1))


@scenario("CFG-18", "CFG-22", needs=(Capability.VIDEO, Capability.VALIDATION))
async def test_video_calls_are_one_of_four(bench: Bench) -> None:
    """The four directions are taken, and something else is refused.

    A direction that the door does not know must not quietly become a camera that films.
    """
    await _refuses(bench, "CFG-18", "video_calls", ("On", "Both ", "Outgoing,Incoming", True, 3))
    for mode in VideoCalls:
        submitted = await bench.submit({"video_calls": mode})
        await bench.already_seen("CFG-18", configuration(accepted=True), after=submitted)


@scenario("CFG-19", "CFG-22", needs=Capability.VALIDATION)
async def test_incoming_calls_are_allowed_or_not(bench: Bench) -> None:
    """On and off are taken, and something in between is refused.

    A switch that the door reads in its own way leaves it open, or closed for good.
    """
    await _refuses(bench, "CFG-19", "allow_incoming", ("", "sometimes", 2, -1, 0.5, [], {}))
    for allowed in (False, True):
        submitted = await bench.submit({"allow_incoming": allowed})
        await bench.already_seen("CFG-19", configuration(accepted=True), after=submitted)


@scenario("CFG-21", "CFG-22", needs=(Capability.PROXY, Capability.VALIDATION))
async def test_a_proxy_has_an_address_and_a_port(bench: Bench) -> None:
    """A proxy that is neither an IP address nor a domain name, or has no port from 1 to 65535, is refused.

    The door would have no way out of its network, and nobody would know why.
    """
    proxy = {"username": "gate", "address": "192.0.2.11", "password": "of the gate", "port": 5080}
    addresses = ("", "pbx example", "-pbx.example", "1.2.3.4.5", "sip:192.0.2.11")
    wrong = [proxy | {"address": address} for address in addresses]
    wrong += [proxy | {"port": port} for port in ("", "ten", 0, -1, 65_536)]
    await _refuses(bench, "CFG-21", "proxy", wrong)


@scenario("CFG-22", needs=Capability.VALIDATION)
async def test_a_form_without_what_every_device_needs_is_refused(bench: Bench) -> None:
    """A form without server, extension or call number is refused; what the page has no rule for is recorded.

    The door would be in service to whoever looks at the form, and to nobody else.
    """
    for field in ("server_address", "extension", "call_number"):
        await _refuses(bench, "CFG-22", field, (None, {}), call=field == "call_number")
    bench.at_end("CFG-22", configuration(accepted=True), at_least=0, after=now())
    for field, value in bench.tried(WITHOUT_A_RULE):
        await bench.submit({field: value})


@scenario("CFG-07")
async def test_a_ca_certificate_is_taken_from_a_pem_cer_or_crt_file(bench: Bench) -> None:
    """The three file types are taken, whichever of its two forms the certificate has (RFC 7468, X.690).

    An installer could not use the file that the certificate authority sent.
    """
    await bench.configure()
    text, binary = CERTIFICATE.encode(), ssl.PEM_cert_to_DER_cert(CERTIFICATE)
    for filename, content in (
        ("ca.pem", text),
        ("ca.cer", text),
        ("ca.crt", text),
        ("My CA.v2.PEM", text),
        ("ca.cer", binary),
        ("ca.crt", binary),
    ):
        uploaded = await bench.upload(filename, content)
        await bench.already_seen("CFG-07", configuration(accepted=True), after=uploaded)


@scenario("CFG-07", needs=Capability.VALIDATION)
async def test_other_files_are_refused_as_ca_certificate(bench: Bench) -> None:
    """A file of another type, or one that holds no certificate, is refused.

    A door without the right authority trusts nobody, or the wrong one.
    """
    await bench.configure()
    good = CERTIFICATE.encode()
    for filename, content in (
        *(
            (name, good)
            for name in ("ca.txt", "ca.p12", "ca.key", "ca", "pem", "ca.pem.exe", "ca.crt/", "ca.der")
        ),
        ("ca.pem", b""),
        ("ca.crt", b"no certificate at all"),
        ("ca.cer", ssl.PEM_cert_to_DER_cert(CERTIFICATE)[:-20]),
        ("ca.pem", good[: len(good) // 2]),
        ("ca.pem", b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"),
        ("ca.crt", bytes(range(256)) * 40),
    ):
        uploaded = await bench.upload(filename, content)
        refused = configuration(accepted=False)
        await bench.already_seen("CFG-07", refused, after=uploaded)


async def _refuses(
    bench: Bench, requirement: str, field: str, values: Iterable[object], *, call: bool = True
) -> None:
    """Submit each wrong value, with another change that is right; then, if that is all, call."""
    desk, decoy = bench.number(0), bench.number(1)
    await bench.configure()
    besides = {} if field == "call_number" else {"call_number": decoy}
    for value in bench.tried(values):
        submitted = await bench.submit({**besides, field: value})
        await bench.already_seen(requirement, configuration(accepted=False), after=submitted)
        named = configuration(accepted=False, field=field)
        await bench.already_seen("CFG-22", named, after=submitted)
    if not call:
        return
    await bench.stations(busy(), busy())
    begun = await bench.intercom.press_button()
    await bench.require(invite(sender=DEVICE), within=bench.timing.dial, after=begun)
    await bench.already_seen("CFG-22", invite(sender=DEVICE, to=desk), after=begun)
    bench.never_in_scenario("CFG-22", invite(sender=DEVICE, to=decoy))


CERTIFICATE = """\
-----BEGIN CERTIFICATE-----
MIIBLjCB1KADAgECAgEBMAoGCCqGSM49BAMCMBUxEzARBgNVBAMMCkV4YW1wbGUg
Q0EwIBcNMjAwMTAxMDAwMDAwWhgPMjEyMDAxMDEwMDAwMDBaMBUxEzARBgNVBAMM
CkV4YW1wbGUgQ0EwWTATBgcqhkjOPQIBBggqhkjOPQMBBwNCAAT+ik5HiaZXitko
SHWh2MntGqlnkYEHErr0ppxIt1yMLpjVE/n0p/n7KNwUYn5J10VZEAcxbRpTECrp
sOvC3ifuoxMwETAPBgNVHRMBAf8EBTADAQH/MAoGCCqGSM49BAMCA0kAMEYCIQDW
ec5509tQr3A+0asbuMsCu3uQLVMPcFgojg3/KUAHFAIhAMrbVmqUdw6UqrrS3mCN
BrRM3qZ/DIehhqvOPHWUx4Np
-----END CERTIFICATE-----
"""
"""A CA certificate (RFC 5280 §4.2.1.9) whose key nobody has."""
