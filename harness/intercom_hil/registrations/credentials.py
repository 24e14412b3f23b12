"""REG-05, over a whole timeline: what proves the device goes out as a digest, and to server or proxy alone.

It reads the SIP messages that the device sent, as wire or PBX saw them. Server and proxy are the bench's, and
what the device was configured with. Passwords are known by their fingerprints only.
"""

from __future__ import annotations

from collections.abc import Iterator

from intercom_hil.judge.finding import Finding
from intercom_hil.judge.messages import messages, next_nonces
from intercom_hil.judge.unreadable import keep_alives
from intercom_hil.redaction.fingerprint import Fingerprint
from intercom_hil.spec.verdict import Verdict
from intercom_hil.timeline import Observation, Timeline, Witness
from intercom_hil.timeline.observation import Configured, MalformedSip, SipMessageSeen
from intercom_hil.wire.sip import Credentials

_TRUSTED = ("pbx", "proxy")
_EXPECTED = "digest credentials, for server and proxy alone (RFC 3261 §22)"


def credentials(timeline: Timeline) -> Iterator[Finding]:
    """Judge every message of the device; *pass* only where it had credentials to show, and all was read.

    One finding for each fault and receiver, however many messages show it.
    """
    hosts, prints = _configured(timeline)
    shown: list[Observation] = []
    words = keep_alives(timeline)
    unread = [o for o in timeline if _is_unread(o, words)]
    broken: dict[tuple[str, str], list[Observation]] = {}
    given: set[tuple[str, str]] = set()
    named: set[str] = set()
    for observation in (*messages(timeline), *unread):
        message = observation.content
        if isinstance(message, SipMessageSeen) and message.receiver == "device":
            asks = _is_trusted(observation, message.sender, message.source, hosts)
            given |= {(message.call_id, nonce) for nonce in (_nonces(message) if asks else ())}
            named |= next_nonces(message) if asks else set()
        if isinstance(message, SipMessageSeen) and message.sender == "device":
            schemes, said = [credential.scheme for credential in message.credentials], message.data
        elif isinstance(message, MalformedSip):
            schemes, said = [], bytes.fromhex(message.raw_hex)
        else:
            continue
        trusted = _is_trusted(observation, message.receiver, message.destination, hosts)
        proofs = _proofs(message) if isinstance(message, SipMessageSeen) else set()
        problems = []
        if any(scheme != "digest" for scheme in schemes):
            problems.append(f"credentials of the scheme {', '.join(sorted({*schemes} - {'digest'}))}")
        if trusted:
            given |= proofs
        elif schemes and not proofs <= given | {(call, n) for call, _ in given for n in named}:
            problems.append("credentials for a stranger")
        if any(fingerprint.is_in(said.decode("utf-8", "surrogateescape")) for fingerprint in prints):
            problems.append("a password in clear")
        for problem in problems:
            broken.setdefault((problem, message.receiver), []).append(observation)
        if schemes:
            shown.append(observation)
    for (problem, _), found in broken.items():
        more = f" (and {len(found) - 1} more)" if len(found) > 1 else ""
        yield Finding("REG-05", _EXPECTED, f"{problem}: {found[0]}{more}", found)
    if unread and not broken:
        seen = f"{len(unread)} times bytes that could not be read, the first: {unread[0]}"
        yield Finding("REG-05", _EXPECTED, seen, unread, Verdict.INCONCLUSIVE)
    elif shown and not broken:
        seen = f"{len(shown)} messages with credentials, all of them digests for server or proxy"
        yield Finding("REG-05", _EXPECTED, seen, shown, Verdict.PASS)


def _is_trusted(observation: Observation, party: str, endpoint: str, hosts: frozenset[str]) -> bool:
    """Whether a message goes to server or proxy, or comes from one.

    What the PBX read is its own, by whatever address it calls itself.
    """
    return observation.witness is Witness.PBX or party in _TRUSTED or _host(endpoint) in hosts


def _proofs(message: SipMessageSeen) -> set[tuple[str, str]]:
    """Return the nonces that a message's credentials answer, each with its Call-ID.

    What answers a server's challenge, or has gone to it, is in all further requests of that call, whoever
    gets them (RFC 3261 §22.3): in the ACK of a 2xx, and within the dialog (§13.2.2.4). There the nonce may be
    the one that a server has named as its next meanwhile, in whatever call.
    """
    return {(message.call_id, shown.parameters.get("nonce", "")) for shown in message.credentials}


def _nonces(message: SipMessageSeen) -> set[str]:
    """Return the nonces of the challenges in a message."""
    values = [value for name in ("WWW-Authenticate", "Proxy-Authenticate") for value in message.values(name)]
    parsed = (dict(Credentials.parse("", value).parameters) for value in values)
    return {nonce for parameters in parsed if (nonce := parameters.get("nonce", ""))}


def _is_unread(observation: Observation, words: frozenset[str]) -> bool:
    content = observation.content
    if not isinstance(content, MalformedSip) or content.sender != "device":
        return False
    return content.is_whole and content.raw_hex not in words


def _configured(timeline: Timeline) -> tuple[frozenset[str], frozenset[Fingerprint]]:
    """Return the hosts that the device was configured to register at or go through, and its secrets."""
    hosts: set[str] = set()
    prints: set[Fingerprint] = set()
    for observation in timeline:
        content = observation.content
        if isinstance(content, Configured) and content.accepted:
            prints.update(content.secrets)
            proxy = content.settings.get("proxy")
            named = [content.settings.get("server_address")]
            named += [proxy.get("address")] if isinstance(proxy, dict) else []
            hosts.update(host.lower() for host in named if isinstance(host, str))
    return frozenset(hosts), frozenset(prints)


def _host(endpoint: str) -> str:
    return endpoint.rpartition(":")[0].strip("[]").lower()
