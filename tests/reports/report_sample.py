"""Builds run directories as the bench leaves them, from the bench's own observation models."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from report_catalogue import CATALOGUE

from intercom_hil.judge.deviations import deviations
from intercom_hil.spec.verdict import Verdict, worst
from intercom_hil.timeline import Content, Observation, Timeline, Witness
from intercom_hil.timeline.observation import (
    DeviceEvent,
    MediaEnded,
    MediaHeard,
    MediaLine,
    MediaStarted,
    OutputChanged,
    ScreenText,
    SipMessageSeen,
)

EPOCH = 1_795_380_063.0
ADDRESSES = {"device": "127.0.0.20:5060", "pbx": "127.0.0.10:5060"}
KEY = "inline:WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz"


class ScenarioBuilder:
    """Records one scenario; times are seconds since its start."""

    def __init__(self, name: str, title: str, doc: str = "", started: float = EPOCH) -> None:
        self.id, self.title, self.doc, self.started = name, title, doc, started
        self.timeline = Timeline()
        self.judgements: list[dict[str, Any]] = []
        self.measurements: list[dict[str, Any]] = []
        self.problems: list[str] = []
        self.attempts, self.dropped = 1, 0
        self.extra: dict[str, Any] = {}
        self._branch = 0

    def see(self, at: float, witness: Witness, content: Content) -> int:
        return self.timeline.append(witness, content, self.started + at).seq

    def sip(self, at: float, sender: str, receiver: str, what: str, **more: Any) -> int:
        """A message: ``INVITE sip:…`` or ``486 Busy Here INVITE``; ``call`` and ``cseq`` name its dialog."""
        first, _, rest = what.partition(" ")
        status = int(first) if first.isdigit() else None
        reason, _, method = rest.rpartition(" ") if status else ("", "", first)
        call, cseq = more.pop("call", "c1"), more.pop("cseq", 1)
        witness = more.pop("witness", Witness.WIRE)
        source, destination = (ADDRESSES.get(name, f"127.0.0.30:{name}") for name in (sender, receiver))
        media = more.get("media", ())
        body = "".join(
            f"m={item.media} {item.port} {item.profile} 8\r\n"
            + "".join(f"a=crypto:1 {suite} {KEY}\r\n" for suite in item.crypto_suites)
            for item in media
        )
        head = f"SIP/2.0 {status} {reason}" if status else f"{method} {rest} SIP/2.0"
        content = SipMessageSeen(
            source=source,
            destination=destination,
            sender=sender,
            receiver=receiver,
            transport=more.pop("transport", "UDP"),
            method=method,
            status=status,
            reason=reason,
            request_uri="" if status else rest,
            call_id=f"{call}@127.0.0.20",
            cseq=cseq,
            branch=more.pop("branch", f"z9hG4bK-{call}-{cseq}-{method}-{sender}"),
            from_uri="sip:7001@127.0.0.10",
            from_tag="f1",
            to_uri="sip:3400@127.0.0.10",
            raw=f"{head}\r\nVia: SIP/2.0/UDP {source}\r\nCall-ID: {call}@127.0.0.20\r\n"
            f'Authorization: Digest username="7001", response="0123456789abcdef"\r\n\r\n{body}',
            **more,
        )
        return self.see(at, witness, content)

    def press(self, at: float) -> int:
        seq = self.see(at, Witness.BUTTON, OutputChanged(name="button", active=True, confirmed=True))
        self.see(at + 0.1, Witness.BUTTON, OutputChanged(name="button", active=False, confirmed=True))
        return seq

    def event(self, at: float, name: str, screen: str, details: str = "", failure: str = "") -> int:
        content = DeviceEvent(name=name, screen_name=screen, details=details, failure=failure)
        return self.see(at, Witness.CONSOLE, content)

    def screen(self, at: float, text: str) -> int:
        return self.see(at, Witness.CONSOLE, ScreenText(text=text))

    def flow(
        self,
        begin: float,
        end: float,
        sender: str,
        receiver: str,
        protection: str = "plain",
        tone: float | None = None,
        media: str = "audio",
        *,
        ended: bool = True,
        plain: int = 0,
    ) -> str:
        """A whole RTP flow with half-second windows of sound."""
        name = f"{sender}>{receiver}/{media}/{begin}"
        parties = {
            "flow": name,
            "source": "127.0.0.20:4000",
            "destination": "127.0.0.10:10000",
            "sender": sender,
            "receiver": receiver,
            "media": media,
            "payload_type": 8,
            "ssrc": 0xC0FFEE,
            "protection": protection,
        }
        self.see(begin, Witness.WIRE, MediaStarted(**parties))
        at = begin + 0.5
        while tone and at < end:
            heard = MediaHeard(
                flow=name,
                sender=sender,
                receiver=receiver,
                protection=protection,
                level_dbov=-18.2,
                tone_hz=tone,
                duration=0.5,
            )
            self.see(at, Witness.WIRE, heard)
            at += 0.5
        if ended:
            packets = int((end - begin) * 50)
            secured = packets - plain if protection == "srtp" else 0
            account = {
                "first": self.started + begin,
                "last": self.started + end,
                "packets": packets,
                "lost": 0,
            }
            account |= {"jitter_ms": 0.4, "authenticated": secured, "rejected": plain, "plain": plain}
            self.see(end + 0.01, Witness.WIRE, MediaEnded(**parties, **account))
        return name

    def judge(
        self,
        requirement: str,
        verdict: str,
        expected: str,
        seen: str = "",
        at: float | None = None,
        observations: Iterable[int] = (),
        witnesses: Iterable[str] = ("wire", "console"),
    ) -> None:
        self.judgements.append(
            {
                "requirement": requirement,
                "verdict": verdict,
                "expected": expected,
                "seen": seen,
                "witnesses": list(witnesses),
                "time": None if at is None else self.started + at,
                "observations": list(observations),
            }
        )

    def measure(
        self, requirement: str, name: str, value: float, low: float | None, high: float | None
    ) -> None:
        good = (low is None or value >= low) and (high is None or value <= high)
        row = {
            "requirement": requirement,
            "name": name,
            "unit": "s",
            "value": value,
            "low": low,
            "high": high,
        }
        self.measurements.append({**row, "verdict": "pass" if good else "fail"})

    def row(self) -> dict[str, Any]:
        """The scenario's entry in run.json."""
        by_requirement: dict[str, list[Verdict]] = {}
        for item in self.judgements:
            by_requirement.setdefault(item["requirement"], []).append(Verdict(item["verdict"]))
        verdicts = {key: str(worst(values)) for key, values in by_requirement.items()}
        last = max((o.time for o in self.timeline), default=self.started)
        folder = f"scenarios/{self.id}"
        return {
            "id": self.id,
            "title": self.title,
            "doc": self.doc,
            "verdict": str(worst(Verdict(value) for value in verdicts.values())),
            "requirements": verdicts,
            "started": self.started,
            "duration_s": round(last - self.started + 0.2, 3),
            "protocol_wait_s": round((last - self.started) * 0.94, 3),
            "attempts": self.attempts,
            "judgements": self.judgements,
            "measurements": self.measurements,
            "problems": self.problems,
            "dropped_packets": self.dropped,
            "deviations": [item.model_dump(mode="json") for item in deviations(self.timeline)],
            "evidence": {
                "folder": folder,
                "capture": f"{folder}/capture.pcapng",
                "timeline": f"{folder}/timeline.jsonl",
                "console": f"{folder}/console.log",
                "stations": [f"{folder}/station-3400.log"],
            },
            **self.extra,
        }

    def store(self, run_folder: Path) -> None:
        """Write the scenario's folder."""
        folder = run_folder / "scenarios" / self.id
        folder.mkdir(parents=True)
        self.timeline.store(folder / "timeline.jsonl")
        for name in ("capture.pcapng", "console.log", "station-3400.log"):
            (folder / name).write_bytes(b"")


def offer(profile: str = "RTP/AVP", *suites: str, media: str = "audio", port: int = 4000) -> MediaLine:
    """One m= line."""
    return MediaLine(media=media, address="127.0.0.20", port=port, profile=profile, crypto_suites=suites)


def write_run(folder: Path, scenarios: Iterable[ScenarioBuilder], **changes: Any) -> Path:
    """Write a whole run directory and return it."""
    folder.mkdir(parents=True, exist_ok=True)
    rows = []
    for scenario in scenarios:
        scenario.store(folder)
        rows.append(scenario.row())
    requirements: dict[str, Any] = {}
    for key, row in CATALOGUE.items():
        found = {
            item["id"]: Verdict(item["requirements"][key]) for item in rows if key in item["requirements"]
        }
        requirements[key] = {**row, "verdict": str(worst(found.values())), "scenarios": list(found)}
    data = {
        "schema": 1,
        "name": "emulated",
        "started": EPOCH,
        "ended": EPOCH + 251.4,
        "verdict": str(worst(Verdict(item["verdict"]) for item in rows)),
        "mode": {"kind": "conformance", "reasons": []},
        "interrupted": False,
        "environment": {
            "python": "3.11.2",
            "platform": "Linux x86_64",
            "asterisk": "22.5.1",
            "sipp": "3.8.0",
            "engine": "podman 4.3.1",
            "bench_file": "emulated.toml",
            "device": {"model": "emulated intercom", "firmware": "1.0", "console": {"rate": 115200}},
        },
        "requirements": requirements,
        "scenarios": rows,
        **changes,
    }
    (folder / "run.json").write_text(json.dumps(data, indent=1), encoding="utf-8")
    return folder


__all__ = ["EPOCH", "Observation", "ScenarioBuilder", "offer", "write_run"]
