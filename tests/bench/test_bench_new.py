"""``bench new`` at a real terminal, with an emulated intercom as the device on the desk."""

import json
import os
import pty
import re
import select
import signal
import stat
import subprocess
import sys
import time
from contextlib import contextmanager

import pytest

from intercom_hil.bench_file.model import load
from intercom_hil.commands.new import _Guide
from intercom_hil.device.emulator_container import runs_here
from tests.structure.source_tree import ROOT

ADDRESS = "127.0.46.30"
PROMPT = re.compile(rb"(?:\]|[?\w)]): $")


class Terminal:
    """A person who types an answer whenever a question stands there."""

    def __init__(self, *arguments):
        self.said = b""
        self._seen = 0
        self.pid, self._fd = pty.fork()
        if self.pid == 0:
            os.chdir(ROOT)
            signal.signal(signal.SIGINT, signal.SIG_DFL)  # a shell's background jobs ignore it
            os.execv(sys.executable, [sys.executable, "-m", "intercom_hil.cli", "bench", "new", *arguments])

    def answer(self, text, end=b"\n"):
        deadline = time.monotonic() + 20
        while not PROMPT.search(self.said[self._seen :]):
            assert time.monotonic() < deadline, self.told()
            self._read()
        self._seen = len(self.said)
        os.write(self._fd, text.encode() + end)

    def end(self, impatient=b""):
        """Read to the end and return the exit status; who is impatient presses a key again every second."""
        begun = pressed = time.monotonic()
        while self._read():
            if time.monotonic() - begun > 20:
                os.kill(self.pid, signal.SIGKILL)
            elif impatient and time.monotonic() - pressed > 1:
                os.write(self._fd, impatient)  # the first may come just before the program waits for a key
                pressed = time.monotonic()
        _, status = os.waitpid(self.pid, 0)
        os.close(self._fd)
        return os.waitstatus_to_exitcode(status)

    def told(self):
        return self.said.decode(errors="replace")

    def _read(self):
        if not select.select([self._fd], [], [], 0.2)[0]:
            return True
        try:
            data = os.read(self._fd, 4096)
        except OSError:  # what a terminal's other end says when its program has ended
            return False
        self.said += data
        return bool(data)


@contextmanager
def emulated(folder):
    if not runs_here():
        pytest.skip("the emulated intercom's SIP stack is not for this Python; benches use a container")
    command = [sys.executable, "-m", "intercom_hil.emulator", "--state", str(folder), "--leash"]
    with subprocess.Popen([*command, "--address", ADDRESS], stdin=subprocess.PIPE, cwd=ROOT) as device:
        try:
            ready = folder / "ready.json"
            deadline = time.monotonic() + 20
            while not ready.exists():
                assert time.monotonic() < deadline
                time.sleep(0.05)
            yield json.loads(ready.read_text())
        finally:
            device.stdin.close()


def test_a_device_on_the_desk_is_asked_for_and_tried_out(tmp_path):
    path = tmp_path / "desk.toml"
    with emulated(tmp_path / "device") as ready:
        terminal = Terminal(str(path))
        for answer in (
            *("", "", "Acme", "Door 2", "A-17", "2.1", ADDRESS, "not an address", "127.0.46.9"),
            *("console", "/dev/no-such-port", "9600", "", ready["console"], "", "1"),
            *("1", ready["relay"], "0", "y"),
            *("", ready["portal"], "admin", "wrong", "y", "", "", "admin-secret"),
            *("", "", "", "", "n", ready["speaker"], ""),
            *("Door Lab", "Ring Road 1", "", "DL-7", "Ada"),
        ):
            terminal.answer(answer)
        assert terminal.end() == 0, terminal.told()
    file = load(path)
    assert file.bench.name == "desk"
    assert (file.device.address, file.pbx.address) == (ADDRESS, "127.0.46.10")
    assert len(file.stations.addresses) == 6
    identity = file.device.make, file.device.model, file.device.serial, file.device.firmware
    assert identity == ("Acme", "Door 2", "A-17", "2.1")
    assert (file.laboratory.name, file.laboratory.address, file.customer) == ("Door Lab", "Ring Road 1", None)
    assert (file.report.number, file.report.tested_by) == ("DL-7", "Ada")
    assert file.device.console.port == ready["console"]
    assert file.device.console.baud_rate == 9600  # as it was answered the first time
    assert (file.device.button.port, file.device.button.channel) == (ready["relay"], 0)
    assert (file.device.portal.password, file.device.portal.device_id) == ("admin-secret", "door")
    assert file.device.capabilities.session_timer
    assert not file.device.capabilities.video
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    said = terminal.told()
    for told in (
        "'not an address' will not do",
        "No such file",
        "pressed for 0.1 s, read back",
        "cannot log in",
        "lines are events",
    ):
        assert told in said, said
    assert "admin-secret" not in said


def test_an_emulated_bench_takes_three_answers(tmp_path):
    path = tmp_path / "bench.toml"
    terminal = Terminal(str(path))
    for answer in ("2", "ci", "127.0.46"):
        terminal.answer(answer)
    assert terminal.end() == 0, terminal.told()
    assert load(path).device.kind == "emulated"


OTHERWISE = {
    "a person configures it and it sends syslog": (
        ("syslog", "0", "", "tls", "keyed-message"),
        ("operator", "Ada"),
        ("", "", "n", "n", "", ""),
    ),
    "a command configures it and it posts its events": (
        ("webhook", "", "events", "/door"),
        ("command", "", "configure --device 'front door'"),
        ("n", "", "", "n", "n", "", ""),
    ),
    "its log is exported after the run": (
        ("log-file",),
        ("command", "configure"),
        ("", "", "n", "n", "", ""),
    ),
    "it tells nothing": (("nowhere",), ("command", "configure"), ("", "", "n", "n", "", "")),
}


@pytest.mark.parametrize("story", OTHERWISE)
def test_a_device_without_console_or_portal_gets_a_bench_file_too(tmp_path, story):
    told, configured, has = OTHERWISE[story]
    path = tmp_path / "desk.toml"
    terminal = Terminal(str(path))
    pressed = ("command", "/bin/true", "/bin/true", "n")
    for answer in ("", "", "", "", "", "", ADDRESS, "127.0.46.9", *told, *pressed, *configured, *has, ""):
        terminal.answer(answer)
    assert terminal.end() == 0, terminal.told()
    device = load(path).device
    assert (device.console, device.portal) == (None, None)
    assert device.configurator == configured[0]
    sources = [source.kind for source in device.event_sources]
    assert sources == ([] if told[0] == "nowhere" else [told[0]])
    assert device.capabilities.event_log is (told[0] != "nowhere")
    assert device.capabilities.screen is (configured[0] == "operator")
    if configured[0] == "operator":
        assert (device.operator.name, device.operator.reads) == ("Ada", ("screen",))
        assert (device.event_sources[0].port, device.event_sources[0].transport) == (5514, "tls")
    if told[0] == "webhook":
        assert (device.event_sources[0].path, device.command.run) == (
            "/door",
            ("configure", "--device", "front door"),
        )


@pytest.mark.parametrize("how", ["interrupt", "replace"])
def test_who_stops_on_the_way_has_lost_nothing(tmp_path, how):
    path = tmp_path / "bench.toml"
    if how == "replace":
        path.write_text("mine")
    terminal = Terminal(str(path))
    if how == "replace":
        terminal.answer("")
    else:
        terminal.answer("1")
        terminal.answer("", end=b"\x03")
    assert terminal.end(impatient=b"\x03" if how == "interrupt" else b"") == 2, terminal.told()
    assert "nothing was written" in terminal.told()
    assert "Traceback" not in terminal.told()
    assert [p.name for p in tmp_path.iterdir()] == (["bench.toml"] if how == "replace" else [])


class Scripted:
    """A person with all answers ready, who keeps what is said."""

    def __init__(self, *answers):
        self.answers, self.said, self.offered = list(answers), [], []

    def say(self, text):
        self.said.append(text)

    def ask(self, question, default="", *, secret=False):
        self.offered.append((question, default))
        return self.answers.pop(0) or default


def test_of_lines_just_read_it_is_shown_what_each_layout_makes_of_them():
    lines = [
        '2026-01-01T00:00:00Z EVENT outgoing_call_initiated screen="Calling" details=""',
        json.dumps({"event": "outgoing_call_initiated", "screen": "Calling", "details": "3401"}),
        json.dumps({"event": "outgoing_call_failure", "screen": "Busy", "details": "busy"}),
    ]
    talk = Scripted("")
    assert _Guide(talk)._layout(["keyed", "json-lines"], lines) == "json-lines"
    assert "json-lines: 2 of 3 lines are events, the last: event outgoing_call_failure" in talk.said[0]


def test_a_step_that_is_repeated_offers_what_was_answered_but_no_secret():
    talk = Scripted("http://door", "secret", "", "")
    guide = _Guide(talk)
    for _ in range(2):
        answers = guide._ask("Its address", "http://other"), guide._ask("Its password", secret=True)
        assert answers == ("http://door", "secret")
    assert talk.offered[2:] == [("Its address", "http://door"), ("Its password (empty: as before)", "")]
