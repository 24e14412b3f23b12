"""A second judge of a stored run, which shares no code with the bench: tshark reads, a little Python judges.

It reads a scenario's capture with tshark, and from ``judgements.jsonl`` what was to be seen on the wire, when
and by whom. It decides that anew for calls (SIP messages) and media (RTP, SRTP: RFC 3550, RFC 3711, RFC
4568), and counts the packets of every flow. Roles are those that the timeline gives to addresses. What it
cannot decide it leaves out, by name.
"""

import base64
import hashlib
import hmac
import json
import re
import struct
import subprocess
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from pathlib import Path

from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CTR

FIELDS = (
    *("frame.time_epoch", "ip.src", "ip.dst", "udp.srcport", "udp.dstport", "tcp.srcport", "tcp.dstport"),
    *("sip.Method", "sip.Status-Code", "sip.CSeq.method", "sip.CSeq.seq", "sip.Call-ID", "sip.r-uri"),
    *("sip.to.tag", "sip.to.addr", "sip.from.addr", "sip.Via.branch", "sip.Authorization"),
    *(
        "sip.Proxy-Authorization",
        "sdp.media",
        "sdp.connection_info.address",
        "sdp.media_attr",
        "udp.payload",
        "icmp.type",
    ),
)
SAME = 5e-6
"""Seconds by which a time may differ that was written in microseconds."""
AUDIO = {0: "PCMU", 8: "PCMA"}
_SUITE = re.compile(
    r"crypto:\d+ (AES_CM_128_HMAC_SHA1_(?:80|32)) inline:([A-Za-z0-9+/]{40})(?![^\s]*\S)", re.I
)


@dataclass
class Message:
    """A SIP message as tshark reads it."""

    time: float
    source: str
    destination: str
    transport: str
    method: str
    status: int | None
    call_id: str
    branch: str
    request_uri: str
    to_tag: str
    to_uri: str
    from_uri: str
    credentials: tuple
    media: list = field(default_factory=list)
    """Of each media section: kind, host, port, protocol, key."""


@dataclass
class Flow:
    """RTP from one address to another under one SSRC."""

    source: str
    destination: str
    ssrc: int
    packets: list = field(default_factory=list)
    """Time, sequence number, payload type, whole packet."""


def read(capture):
    """Return the SIP messages of a capture, and its flows of RTP."""
    command = [
        "tshark",
        "-n",
        "-r",
        str(capture),
        "-T",
        "fields",
        "-E",
        "separator=\t",
        "-E",
        "aggregator=\x1f",
    ]
    command += ["-E", "occurrence=a", *(word for name in FIELDS for word in ("-e", name))]
    command += ["-d", "udp.port==5060,sip", "-d", "udp.port==5070,sip", "-d", "udp.port==5080,sip"]
    done = subprocess.run(command, capture_output=True, text=True, errors="replace", check=True, timeout=120)
    messages, flows = [], {}
    for line in done.stdout.splitlines():
        row = {name: value.split("\x1f") for name, value in zip(FIELDS, line.split("\t"), strict=False)}
        if not row.get("ip.src", [""])[0] or row["icmp.type"][0]:  # ICMP quotes what it is about
            continue
        one = {name: values[0] for name, values in row.items()}
        kind = "UDP" if one["udp.srcport"] else "TCP"
        ports = ("udp.srcport", "udp.dstport") if kind == "UDP" else ("tcp.srcport", "tcp.dstport")
        source, destination = (
            f"{one[host]}:{one[port]}" for host, port in zip(("ip.src", "ip.dst"), ports, strict=True)
        )
        time = float(one["frame.time_epoch"])
        if one["sip.CSeq.method"]:
            messages.append(_message(one, row, time, source, destination, kind))
        elif one["udp.payload"]:
            data = bytes.fromhex(one["udp.payload"])
            if len(data) >= 12 and data[0] >> 6 == 2 and not 192 <= data[1] <= 223:
                sequence, _, ssrc = struct.unpack("!HII", data[2:12])
                flow = flows.setdefault((source, destination, ssrc), Flow(source, destination, ssrc))
                flow.packets.append((time, sequence, data[1] & 0x7F, data))
    return messages, list(flows.values())


def _message(one, row, time, source, destination, transport):
    credentials = tuple(h for h in ("Authorization", "Proxy-Authorization") if one[f"sip.{h}"])
    message = Message(
        time, source, destination, transport,
        one["sip.Method"] or one["sip.CSeq.method"],
        int(one["sip.Status-Code"]) if one["sip.Status-Code"] else None,
        one["sip.Call-ID"], one["sip.Via.branch"], one["sip.r-uri"],
        one["sip.to.tag"], one["sip.to.addr"], one["sip.from.addr"], credentials,
    )  # fmt: skip
    hosts = [host for host in row["sdp.connection_info.address"] if host] or [""]
    keys = iter(_keys(row["sdp.media_attr"]))
    for number, section in enumerate(m for m in row["sdp.media"] if len(m.split()) > 2):
        kind, port, protocol = section.split()[:3]
        key = next(keys, None) if "SAVP" in protocol else None
        message.media.append(
            (kind, hosts[min(number, len(hosts) - 1)], port.partition("/")[0], protocol, key)
        )
    return message


def _keys(attributes):
    """Return the key of each secured media section: its first of a suite that is known here.

    The sections are told apart by the tags of their lines, which rise within one (RFC 4568 §4.1).
    """
    sections, before = [], 0
    for attribute in attributes:
        line = re.search(r"crypto:(\d+)", attribute)
        if line is None:
            continue
        if not sections or int(line[1]) <= before:
            sections.append(None)
        before = int(line[1])
        known = _SUITE.search(attribute)
        if known is not None and sections[-1] is None:
            sections[-1] = known[1].upper(), base64.b64decode(known[2])
    return sections


class Scenario:
    """What one scenario's capture shows."""

    def __init__(self, folder):
        self.messages, self.flows = read(folder / "capture.pcapng")
        self.timeline = [json.loads(line) for line in (folder / "timeline.jsonl").read_text().splitlines()]
        self.judgements = [
            json.loads(line) for line in (folder / "judgements.jsonl").read_text().splitlines()
        ]
        self.roles = {}
        for seen in self.timeline:
            content = seen["content"]
            if seen["witness"] == "wire" and content["kind"] in ("sip", "media_started"):
                for end, role in (("source", "sender"), ("destination", "receiver")):
                    host, _, port = content[end].rpartition(":")
                    self.roles[host, port] = self.roles[host, None] = content[role]
        self.ports = defaultdict(
            list
        )  # what session descriptions say of an address: time, kind, protocol, key
        for message in self.messages:
            for kind, host, port, protocol, key in message.media:
                if port != "0":
                    self.ports[f"{host}:{port}"].append((message.time, kind, protocol, key))
        self.over_tls = any(s["content"].get("transport") == "TLS" for s in self.timeline)

    def role(self, end):
        host, _, port = end.rpartition(":")
        return self.roles.get((host, port), self.roles.get((host, None), end))

    # -- calls -------------------------------------------------------------------------------------

    def judge(self, rule):
        """Return pass or fail by this judge, or None where it cannot decide."""
        if rule["kind"] not in ("occurs", "absent") or rule.get("provided"):
            return None
        pattern = rule["pattern"]
        if pattern["kind"] == "sip" and pattern["witness"] == "wire":
            times = self._matching(pattern)
        elif pattern["kind"] in ("media_started", "media_heard"):
            times = self._media(pattern, rule)
        else:
            return None
        if times is None:
            return None
        inside = sum(rule["after"] - SAME <= time <= rule["until"] + SAME for time in times)
        if rule["kind"] == "absent":
            return "fail" if inside else "pass"
        most = rule["at_most"]
        return "pass" if inside >= rule["at_least"] and (most is None or inside <= most) else "fail"

    def _matching(self, pattern):
        found, seen = [], set()
        for message in self.messages:
            answers = [self._fits(message, name, wanted) for name, wanted in pattern["fields"].items()]
            if None in answers:
                return None
            key = tuple(getattr(message, name) for name in pattern["once_per"])
            if all(answers) and not (key and key in seen):
                seen.add(key)
                found.append(message.time)
        return found

    def _fits(self, message, name, wanted):
        if name in ("sender", "receiver"):
            value = self.role(message.source if name == "sender" else message.destination)
        elif name == "media":
            kinds = [kind for kind, _, port, _, _ in message.media if port != "0"]
            part = wanted["some"] or wanted["none"] or {}
            if set(part) != {"media"}:
                return None
            there = bool(set(kinds) & set(part["media"]["one_of"]))
            return there if wanted["some"] else not there
        elif name == "credentials":
            headers = (
                (wanted["some"] or {}).get("header", {}).get("one_of")
                if set(wanted["some"] or {"": 0}) <= {"header"}
                else None
            )
            return None if headers is None else bool(set(headers) & set(message.credentials))
        elif name in (
            "status",
            "method",
            "to_tag",
            "call_id",
            "transport",
            "destination",
            "request_uri",
            "to_uri",
            "from_uri",
        ):
            value = getattr(message, name)
        else:
            return None
        return _meets(value, wanted)

    # -- media -------------------------------------------------------------------------------------

    def described(self, flow):
        """Return kind, protocol and key by what its sender described when it began.

        That is the last description before its first packet, or the next one, which may come a little later
        than what it describes, where that is nearer: a port may serve one call after another.
        """
        begun, known = flow.packets[0][0], self.ports[flow.source]
        before = [d for d in known if d[0] <= begun][-1:]
        behind = [d for d in known if begun < d[0] <= begun + 0.5][:1]
        near = min(before + behind, key=lambda d: abs(d[0] - begun), default=None)
        return near and near[1:]

    def _media(self, pattern, rule):
        wanted = pattern["fields"]
        if not set(wanted) <= {"sender", "receiver", "protection", "media", "tone_hz"} or self.over_tls:
            return None
        times = []
        for flow in self.flows:
            description = self.described(flow)
            if description is None:
                return None
            kind, protocol, key = description
            said = {
                "sender": self.role(flow.source),
                "receiver": self.role(flow.destination),
                "protection": "srtp" if "SAVP" in protocol else "plain",
                "media": kind,
            }
            if not all(_meets(said[name], one) for name, one in wanted.items() if name in said):
                continue
            if pattern["kind"] == "media_started":
                times.append(flow.packets[0][0])
                continue
            if kind != "audio":
                continue
            heard = list(_tones(flow, key if "SAVP" in protocol else None, secured="SAVP" in protocol))
            if "tone_hz" in wanted:
                heard = [(time, hz) for time, hz in heard if _meets(hz, wanted["tone_hz"])]
            inside = [time for time, _ in heard if rule["after"] - 0.05 <= time <= rule["until"] + SAME]
            times += [min(max(time, rule["after"]), rule["until"]) for time in inside]
        return times

    def accounts(self):
        """Yield what differs between the accounts of flows and what was counted here."""
        ended = defaultdict(Counter)
        kept_off = any("not on this timeline" in str(s["content"].get("text", "")) for s in self.timeline)
        for seen in self.timeline:
            content = seen["content"]
            if content["kind"] == "media_ended" and seen["witness"] == "wire":
                ended[content["source"], content["destination"], content["ssrc"]].update(
                    packets=content["packets"],
                    authenticated=content["authenticated"],
                    rejected=content["rejected"],
                )
        for flow in self.flows:
            key = flow.source, flow.destination, flow.ssrc
            description = self.described(flow)
            if key not in ended:
                if description is not None and len(flow.packets) >= 4 and not kept_off:
                    yield f"{key}: {len(flow.packets)} packets, and no account"
                continue
            empty = sum(len(data) == 12 for *_, data in flow.packets)
            if not ended[key]["packets"] <= len(flow.packets) <= ended[key]["packets"] + empty:
                yield f"{key}: {len(flow.packets)} packets, and {ended[key]['packets']} in the account"
            if description is None or "SAVP" not in description[1] or description[2] is None:
                continue
            keys = {d[3] for d in self.ports[flow.source] if d[3] is not None}
            receivers = [Srtp(*key) for key in keys]
            good = sum(
                any(r.opened(data, n) is not None for r in receivers) for _, n, _, data in flow.packets
            )
            theirs = ended[key]["authenticated"]
            if theirs + ended[key]["rejected"] and (good < theirs or (len(keys) == 1 and good != theirs)):
                yield f"{key}: {good} authenticate, and {theirs} in the account"


def _meets(value, wanted):
    if wanted["one_of"] is not None and value not in wanted["one_of"]:
        return False
    if value in wanted["none_of"]:
        return False
    if wanted["at_least"] is not None and not (value is not None and value >= wanted["at_least"]):
        return False
    if wanted["at_most"] is not None and not (value is not None and value <= wanted["at_most"]):
        return False
    if wanted["user"] is not None and _user(value or "") != wanted["user"]:
        return False
    if wanted["addresses"] and re.split("[;?]", value or "")[0] not in wanted["addresses"]:
        return False
    return not any(wanted[name] is not None for name in ("regex", "outside", "contains", "some", "none"))


def _user(uri):
    """Return the part of a URI before its host, without parameters."""
    found = re.match(r"(?:sips?:)?([^@;]*)(?:;[^@]*)?@", uri, re.IGNORECASE)
    return found[1] if found else None


class Srtp:
    """A receiver of SRTP: AES in counter mode with 128 bits and HMAC-SHA1 (RFC 3711 §4)."""

    def __init__(self, suite, key):
        self._tag = 10 if suite.endswith("80") else 4
        derived = [
            self._derive(key[:16], key[16:30], label, size) for label, size in ((0, 16), (1, 20), (2, 14))
        ]
        self._key, self._authentication, self._salt = derived
        self._over = self._highest = None

    @staticmethod
    def _derive(master, salt, label, size):
        start = int.from_bytes(salt, "big") ^ (label << 48)
        return Cipher(AES(master), CTR((start << 16).to_bytes(16, "big"))).encryptor().update(bytes(size))

    def opened(self, packet, sequence):
        """Return the packet in clear if it authenticates, else None."""
        if self._highest is None:
            self._over, self._highest = 0, sequence
        elif sequence < self._highest and self._highest - sequence > 0x8000:
            self._over += 1
            self._highest = sequence
        else:
            self._highest = max(self._highest, sequence)
        body, tag = packet[: -self._tag], packet[-self._tag :]
        made = hmac.new(self._authentication, body + struct.pack("!I", self._over), hashlib.sha1).digest()
        if made[: self._tag] != tag:
            return None
        begin = 12 + (packet[0] & 15) * 4
        if packet[0] & 0x10:
            begin += 4 + int.from_bytes(packet[begin + 2 : begin + 4], "big") * 4
        index = self._over << 16 | sequence
        start = (
            int.from_bytes(self._salt + b"\0\0", "big")
            ^ int.from_bytes(packet[8:12], "big") << 64
            ^ index << 16
        )
        return body[:begin] + Cipher(AES(self._key), CTR(start.to_bytes(16, "big"))).encryptor().update(
            body[begin:]
        )


def _linear(kind, byte):
    """Return a sample of G.711 (ITU-T G.711) as a number between -1 and 1."""
    if kind == "PCMA":
        byte ^= 0x55
        low, segment = byte & 15, byte >> 4 & 7
        value = (low * 2 + 1) << 3 if not segment else ((low * 2 + 33) << 3) << (segment - 1)
        return (value if byte & 0x80 else -value) / 32768
    byte = ~byte & 0xFF
    value = (((byte & 15) << 3) + 132 << (byte >> 4 & 7)) - 132
    return (-value if byte & 0x80 else value) / 32768


_TABLES = {kind: [_linear(kind, byte) for byte in range(256)] for kind in ("PCMA", "PCMU")}
_WINDOW = 800
"""Samples of a tenth of a second."""


def _tones(flow, key, *, secured):
    """Yield when each tenth of a second of sound ended, and how often it swings in a second; 0 in silence."""
    receiver = Srtp(*key) if key is not None else None
    samples, before = [], None
    for time, sequence, kind, data in flow.packets:
        plain = data if not secured else receiver and receiver.opened(data, sequence)
        if not plain or kind not in AUDIO or sequence == before:
            continue
        before = sequence
        samples += [_TABLES[AUDIO[kind]][byte] for byte in plain[12 + (plain[0] & 15) * 4 :]]
        while len(samples) >= _WINDOW:
            part, samples = samples[:_WINDOW], samples[_WINDOW:]
            loudest = max(map(abs, part))
            crossings, last = 0, 0
            for value in part:
                sign = (value > loudest / 4) - (value < -loudest / 4)
                crossings += bool(sign and last and sign != last)
                last = sign or last
            yield time, crossings * 8000 / _WINDOW / 2 if loudest > 0.01 else 0.0


def disagreements(run):
    """Return where this judge decides otherwise than the bench did, and how many it decided of each kind."""
    found, decided = [], Counter()
    for folder in sorted(Path(run, "scenarios").iterdir()):
        if not all(
            (folder / name).exists() for name in ("capture.pcapng", "timeline.jsonl", "judgements.jsonl")
        ):
            continue
        scenario = Scenario(folder)
        for number, judgement in enumerate(scenario.judgements):
            mine = scenario.judge(judgement["rule"])
            what = judgement["rule"].get("pattern", {}).get("kind", judgement["rule"]["kind"])
            if mine is None or judgement["verdict"] not in ("pass", "fail"):
                decided[f"{what} left out"] += what in ("sip", "media_started", "media_heard")
                continue
            decided[what] += 1
            if mine != judgement["verdict"]:
                row, text = judgement["requirement"], judgement["rule"]["pattern"]["text"]
                found.append(
                    f"{folder.name}: {number} {row} ({text}): {judgement['verdict']}, and not {mine}"
                )
        if not scenario.over_tls:
            decided["flows"] += len(scenario.flows)
            found += [f"{folder.name}: {text}" for text in scenario.accounts()]
    return found, decided
