"""The emulated intercom as its users meet it: a process, two serial lines, a web page, a loopback address."""

import asyncio
import json
import os
import re
import sys
import time
from pathlib import Path

import httpx
import pytest
import serial

from intercom_hil.device.emulator_container import runs_here

ROOT = Path(__file__).parents[2]
DEVICE = "127.0.41.2"
SERVER = "127.0.41.5"
SETTINGS = {
    "server_address": SERVER,
    "auth_username": "door",
    "auth_password": "secret",
    "extension": "1001",
    "call_number": "3400",
    "call_timeout": 2,
}


class Line:
    """A serial line read in the background."""

    def __init__(self, path):
        self.port = serial.Serial(str(path), timeout=0)
        self.data = b""
        self._news = asyncio.Event()
        asyncio.get_running_loop().add_reader(self.port.fileno(), self._read)

    def _read(self):
        try:
            self.data += os.read(self.port.fileno(), 65536)
        except OSError:  # the other end is gone
            self.close()
        self._news.set()

    async def expect(self, pattern, within=5.0, after=0):
        """Wait for a regular expression in what has come in; return the match."""
        async with asyncio.timeout(within):
            while not (found := re.search(pattern, self.data[after:].decode())):
                self._news.clear()
                await self._news.wait()
        return found

    @property
    def lines(self):
        return self.data.decode().split("\r\n")[:-1]

    def events(self):
        return re.findall(r" event name=(\S+)", self.data.decode())

    def close(self):
        if self.port.is_open:
            asyncio.get_running_loop().remove_reader(self.port.fileno())
            self.port.close()


class Intercom:
    """A running emulator with both its serial lines open."""

    def __init__(self, state, process, ready):
        self.state, self.process, self.ready = state, process, ready
        self.console = Line(state / "console")
        self.relay = Line(state / "relay")
        self.http = httpx.AsyncClient(base_url=ready["portal"], timeout=10)
        self.uri = f"sip:1001@{DEVICE}"

    @classmethod
    async def start(cls, state, *options, address=DEVICE):
        if not runs_here():
            pytest.skip("the emulated intercom's SIP stack is not for this Python; benches use a container")
        command = [
            "-m",
            "intercom_hil.emulator",
            "--state",
            str(state),
            "--address",
            address,
            "--leash",
            *options,
        ]
        process = await asyncio.create_subprocess_exec(
            sys.executable, *command, cwd=ROOT, stdin=asyncio.subprocess.PIPE
        )
        begun = time.monotonic()
        while not (state / "ready.json").exists():
            assert process.returncode is None, "the emulator ended early"
            assert time.monotonic() - begun < 10, "the emulator is not ready"
            await asyncio.sleep(0.01)
        return cls(state, process, json.loads((state / "ready.json").read_text()))

    async def login(self, account="admin", password="admin-secret"):
        answer = await self.http.post("/api/login", json={"account": account, "password": password})
        assert answer.status_code == 200
        self.http.headers["Authorization"] = f"Bearer {answer.json()['token']}"

    async def submit(self, **changes):
        return await self.http.put("/api/devices/door/sip", json={**SETTINGS, **changes})

    async def configure(self, **changes):
        if "Authorization" not in self.http.headers:
            await self.login()
        mark = len(self.console.data)
        answer = await self.submit(**changes)
        assert answer.status_code == 200, answer.text
        await self.console.expect(r"sip registered", after=mark)

    async def press(self):
        for command in (b"relay on 0\r", b"relay off 0\r"):
            mark = len(self.relay.data)
            self.relay.port.write(command)
            await self.relay.expect(">", after=mark)

    async def event(self, name, count=1, within=5.0):
        found = await self.console.expect(
            rf"(?s)(?:event name={name} .*?details=\"(.*?)\"\r\n.*?){{{count}}}", within
        )
        return found[1]

    async def stop(self):
        self.console.close()
        self.relay.close()
        await self.http.aclose()
        if self.process.returncode is None:
            self.process.terminate()
        async with asyncio.timeout(8):
            return await self.process.wait()
