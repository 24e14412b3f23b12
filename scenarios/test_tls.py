"""TLS: whom the device believes to be its server, and what it tells those it does not believe.

Whether a revoked certificate is refused is no part of this: the device's documentation promises no look at
revocation lists (CRL) or services (OCSP). Nor is a certificate that has the right name as common name only:
RFC 5922 §7.1 leaves that to the device.
"""

import pytest

from intercom_hil.scenario import (
    DEVICE,
    PBX,
    WHEN_PLAYED,
    Bench,
    CertificateKind,
    Condition,
    Encryption,
    Inconclusive,
    Settings,
    TlsVersion,
    Transport,
    answer,
    answers,
    case_id,
    decision,
    from_device,
    invite,
    keys_taken_up,
    media,
    now,
    reported_by_pbx,
    request,
    scenario,
    sound,
    tls_decision,
    tls_hello,
    tls_over,
    tls_request,
    tls_said,
)

CLEAR_FROM_DEVICE = media(sender=DEVICE, protection="plain")


@scenario("CFG-06", settings=WHEN_PLAYED)
async def test_with_tls_not_a_byte_of_sip_goes_out_in_clear(bench: Bench) -> None:
    """With transport TLS the server is met under TLS, and never in clear (RFC 3261 §26.2.1).

    The names of callers and the keys of their calls would cross the network for anybody to read.
    """
    server = await bench.tls_server("for the address")
    to_server = f"{bench.pbx_address}:{server['server_port']}"
    in_clear = from_device().where("SIP in clear to the TLS server", destination=to_server)

    await bench.configure(await_registration=False, **server)

    bench.never_in_scenario("CFG-06", in_clear)
    hello = await bench.require(tls_hello(), within=bench.timing.registered)
    await bench.never("CFG-06", in_clear, during=bench.timing.short_call, after=hello)


@scenario("CFG-06", settings=Settings(transport=Transport.TLS))
async def test_with_tls_calls_go_over_tls_alone(bench: Bench) -> None:
    """With transport TLS calls are placed over TLS too, from the INVITE to the BYE (RFC 3261 §26.2.1).

    Who called whom, and when, would be written on the network's walls.
    """
    (desk,) = await bench.stations(answers(hang_up_after=bench.timing.short_call))
    await bench.configure()

    pressed = await bench.intercom.press_button()

    bench.never_in_scenario("CFG-06", from_device(), after=pressed)
    dialled = reported_by_pbx(invite(sender=DEVICE, receiver=PBX, to=desk.number))
    await bench.require(dialled, within=bench.timing.dial, after=pressed)
    over_tls = dialled.where(f"{dialled}, over TLS", transport="TLS")
    await bench.already_seen("CFG-06", over_tls, after=pressed)
    ended = reported_by_pbx(request("BYE", sender=PBX, receiver=DEVICE))
    await bench.require(ended, within=bench.timing.called + bench.timing.watch, after=pressed)


@scenario("ENC-08", "ENC-11", settings=Settings(transport=Transport.TLS, encryption=Encryption.SRTP_ONLY))
async def test_a_call_placed_over_tls_is_carried_over_srtp(bench: Bench) -> None:
    """SRTP-only over TLS: the keys are exchanged where nobody can read them (RFC 4568 §7), and are used.

    Encrypted media whose keys cross the network in clear is a locked door with the key in it.
    """
    (desk,) = await bench.stations(answers())
    await bench.configure(pbx_srtp="sdes")

    pressed = await bench.intercom.press_button()

    offered = reported_by_pbx(invite(sender=DEVICE, receiver=PBX, to=desk.number))
    offer = await bench.require(offered, within=bench.timing.dial, after=pressed)
    await keys_taken_up(bench, PBX, offer, read=reported_by_pbx)
    secured = sound(sender=DEVICE, receiver=PBX, protection="srtp")
    await bench.expect("ENC-08", secured, within=bench.timing.taken, after=offer)
    bench.never_in_scenario("ENC-08", CLEAR_FROM_DEVICE)


@scenario(
    "ENC-10",
    "ENC-11",
    settings=lambda at: Settings(
        permitted_callers=(at.number(0), at.direct_caller_uri(1))[: at.limits.permitted_callers],
        transport=Transport.TLS,
        encryption=Encryption.SRTP_ONLY,
    ),
)
async def test_a_call_taken_over_tls_is_carried_over_srtp(bench: Bench) -> None:
    """SRTP-only over TLS: a secure call reaches the device by its own connection (RFC 5626 §5.3).

    One that comes over UDP, past the server, is not taken: anybody could read its keys (CFG-06).

    A guard who protects every call could not reach the one door that asks for it.
    """
    caller = bench.number(0)
    await bench.configure(pbx_srtp="sdes")
    in_clear = await bench.call_device(caller=bench.number(1), direct=True, security="srtp", place=1)
    taken = answer(sender=DEVICE, receiver=in_clear.number)
    await bench.never("CFG-06", taken, during=bench.timing.watch)
    await in_clear.stop()

    await bench.call_device(caller=caller, place=0)

    rung = await bench.require(
        reported_by_pbx(invite(sender=PBX, receiver=DEVICE)), within=bench.timing.remote
    )
    decided = reported_by_pbx(decision(sender=DEVICE, receiver=PBX))
    await bench.require(decided, within=bench.timing.answer, after=rung)
    taken = reported_by_pbx(answer(sender=DEVICE, receiver=PBX))
    await bench.already_seen("ENC-10", taken, after=rung)
    secured = sound(sender=DEVICE, receiver=PBX, protection="srtp")
    await bench.expect("ENC-10", secured, within=bench.timing.taken, after=rung)


@scenario("TLS-01", settings=WHEN_PLAYED)
@pytest.mark.parametrize(
    "certificate", ["for the address", "for the name", "straight from the root"], ids=case_id
)
async def test_a_certificate_under_the_uploaded_ca_is_accepted(
    bench: Bench, certificate: CertificateKind
) -> None:
    """With a CA uploaded, a server whose certificate chains to it is accepted (RFC 5280 §6, RFC 5922 §7).

    A site with a CA of its own could not use TLS at the door.
    """
    named = {"for the name": True, "for the address": False}.get(certificate)
    server = await bench.tls_server(certificate, by_name=named)

    await _accepted(bench, "TLS-01", server, address_alone=certificate == "for the address")


@scenario("TLS-02", settings=WHEN_PLAYED)
@pytest.mark.parametrize(
    "certificate", ["another CA", "a CA of the same name", "a well-known CA"], ids=case_id
)
async def test_a_certificate_of_another_ca_is_refused(bench: Bench, certificate: CertificateKind) -> None:
    """With a CA uploaded, a certificate of any other is refused before a byte of SIP is sent (RFC 5280 §6).

    Nor is the server tried in clear a little later (CFG-06).

    Whoever can put a machine between door and server would take the calls.
    """
    await _refused(bench, "TLS-02", await bench.tls_server(certificate))
    if certificate == "another CA":
        await bench.never("TLS-02", tls_said(), during=bench.timing.registered)


@scenario("TLS-03", settings=WHEN_PLAYED)
async def test_without_an_uploaded_ca_a_private_one_is_refused(bench: Bench) -> None:
    """Without an upload a certificate of a private CA is refused.

    A certificate that anybody can make at home would be good enough to take over the door.
    """
    server = await bench.tls_server("another CA")

    await _refused(bench, "TLS-03", Settings(**{**server, "ca_certificate": None}))


@scenario("TLS-02", settings=WHEN_PLAYED)
async def test_a_ca_is_trusted_no_more_once_another_has_taken_its_place(bench: Bench) -> None:
    """The uploaded CA is the one that counts: not those that were uploaded before (RFC 5280 §6.1.1).

    A CA that was given up, because somebody stole its key, would still open every conversation at the door.
    """
    await _met(bench, await bench.tls_server("for the address"))
    server = await bench.tls_server("for the address")

    await _refused(bench, "TLS-02", Settings(**{**server, "ca_certificate": bench.other_ca}), after=now())


@scenario("TLS-02", settings=WHEN_PLAYED)
async def test_a_server_is_judged_anew_at_each_connection(bench: Bench) -> None:
    """A server that was good once is refused when it comes back with a certificate of another CA.

    Whoever can put a machine between door and server would only have to cut the line first.
    """
    interval = bench.limits.short_polling_interval
    server = await bench.tls_server("for the address", then="another CA")
    await bench.configure(await_registration=False, **Settings(**{**server, "polling_interval": interval}))
    met = await bench.require(tls_said(), within=bench.timing.registered)

    again = await bench.require(tls_hello(), within=interval + bench.timing.recovered, after=bench.past(met))

    decided = await bench.require(tls_decision(), within=bench.timing.registered, after=again)
    await bench.already_seen("TLS-02", tls_over(), after=again)
    await bench.never("TLS-02", tls_said(), during=bench.timing.short_call, after=decided)


@scenario("TLS-03", settings=WHEN_PLAYED)
async def test_a_private_ca_is_trusted_no_more_once_it_was_taken_out(bench: Bench) -> None:
    """Without an upload a private CA is refused, although it was uploaded once.

    Whoever was the installer's CA for a day could pose as the server for ever.
    """
    await _met(bench, await bench.tls_server("for the address"))
    server = await bench.tls_server("for the address")

    await _refused(bench, "TLS-03", Settings(**{**server, "ca_certificate": None}), after=now())


@scenario("TLS-04", settings=WHEN_PLAYED)
async def test_without_an_uploaded_ca_a_well_known_one_is_accepted(bench: Bench) -> None:
    """Without an upload a certificate of a well-known Internet CA is accepted.

    A door at a hosted telephone service could not connect without an upload that is meant to be optional.
    """
    server = await bench.tls_server("a well-known CA")

    await _accepted(bench, "TLS-04", Settings(**{**server, "ca_certificate": None}))


@scenario("TLS-05", settings=WHEN_PLAYED)
@pytest.mark.parametrize(
    "certificate",
    [
        "expired",
        "not yet valid",
        "intermediate expired",
        "intermediate missing",
        "issued by a server",
        "self-signed",
        "another address",
        "another name, as common name only",
        "for clients only",
    ],
    ids=case_id,
)
async def test_a_defective_certificate_is_refused(bench: Bench, certificate: CertificateKind) -> None:
    """A certificate with any one flaw is refused before a byte of SIP is sent (RFC 5280 §4.2.1.12, §6).

    A stolen or retired certificate would open every conversation at the door to its holder.
    """
    named = False if certificate == "another address" else None
    await _refused(bench, "TLS-05", await bench.tls_server(certificate, by_name=named))


@scenario("TLS-05", settings=WHEN_PLAYED)
@pytest.mark.parametrize(
    "certificate",
    ["another name", "a longer name", "another name, as common name only", "a wildcard that is too wide"],
    ids=case_id,
)
async def test_a_certificate_for_another_name_is_refused(bench: Bench, certificate: CertificateKind) -> None:
    """A server reached by its name must have a certificate for that name (RFC 5922 §7.2, §7.3).

    The holder of any certificate of the site's CA could pose as its telephone server.
    """
    await _refused(bench, "TLS-05", await bench.tls_server(certificate, by_name=True))


@scenario("TLS-06", settings=WHEN_PLAYED)
@pytest.mark.parametrize("version", ["TLS 1.0", "TLS 1.1"], ids=case_id)
async def test_an_obsolete_version_is_refused(bench: Bench, version: TlsVersion) -> None:
    """A server that can do nothing newer than TLS 1.1 is refused (RFC 8996).

    The encryption that the installer relies on could be undone by anybody on the way.
    """
    await _refused(bench, "TLS-06", await bench.tls_server("for the address", version=version))


@scenario("TLS-06", settings=WHEN_PLAYED)
async def test_suites_that_encrypt_nothing_are_refused(bench: Bench) -> None:
    """A server that can only leave SIP unencrypted is refused (RFC 9325 §4.1).

    The encryption that the installer relies on would not be there at all.
    """
    server = await bench.tls_server("for the address", suites="NULL-SHA256:ECDHE-RSA-NULL-SHA")

    await _refused(bench, "TLS-06", server)


@scenario("TLS-06", settings=WHEN_PLAYED)
async def test_no_null_and_no_export_suite_is_offered(bench: Bench) -> None:
    """A device that does not offer null and export suites cannot be talked into them (RFC 9325 §4.1).

    A server, or somebody who poses as one, would choose the weakest of what it is offered.
    """
    server = await bench.tls_server("for the address")
    await bench.configure(await_registration=False, **server)

    await bench.require(tls_hello(), within=bench.timing.registered)

    weak = tls_hello().where("offer of null or export suites", weak_suites=Condition(none_of=("",)))
    await bench.never("TLS-06", weak, during=bench.timing.short_call)


async def _accepted(bench: Bench, requirement: str, server: Settings, *, address_alone: bool = False) -> None:
    """Send the device to a server, and expect it to speak SIP there.

    A certificate that names nothing but the address need not do: RFC 5922 §7.1 knows domain names only. On a
    bench that has no name for the server no certificate can name more.
    """
    await bench.configure(await_registration=False, **server)
    hello = await bench.require(tls_hello(), within=bench.timing.registered)
    await bench.require(tls_decision(), within=bench.timing.registered, after=hello)
    if (address_alone or not bench.pbx_is_named) and bench.seen(tls_over(), after=hello):
        raise Inconclusive(
            "the device does not believe an address in a certificate, and need not; "
            "pbx.name in the bench file gives the server a name"
        )
    await bench.already_seen(requirement, tls_request("REGISTER"), after=hello)


async def _met(bench: Bench, server: Settings) -> None:
    """Send the device to a server, and wait until it knows what to think of it."""
    await bench.configure(await_registration=False, **server)
    hello = await bench.require(tls_hello(), within=bench.timing.registered)
    await bench.require(tls_decision(), within=bench.timing.registered, after=hello)


async def _refused(bench: Bench, requirement: str, server: Settings, *, after: float | None = None) -> None:
    """Send the device to a server, and expect it to leave without a byte of SIP, and not to try again."""
    await bench.configure(await_registration=False, **server)
    hello = await bench.require(tls_hello(), within=bench.timing.registered, after=after)
    decided = await bench.require(tls_decision(), within=bench.timing.registered, after=hello)
    await bench.already_seen(requirement, tls_over(), after=hello)
    await bench.never(requirement, tls_said(), during=bench.timing.short_call, after=decided)
