"""A console behind a real ser2net whose port has no modem lines, as a pty has none."""

import asyncio
import os
import pty
import shutil
import socket
import subprocess
import tty

import pytest

from intercom_hil.adapters.modem_lines import ModemOutputOptions
from intercom_hil.errors import BenchError
from intercom_hil.instruments.serial_console import SerialConsole
from intercom_hil.instruments.shared_port import SharedPorts

SOON = 30.0  # s in which ser2net is up, and a line has come through it, on any machine
PROGRAM = shutil.which("ser2net", path=f"{os.environ.get('PATH', '')}:/usr/sbin")


class Server:
    """A ser2net with one port, on a pty."""

    def __init__(self, folder):
        self.device, end = pty.openpty()
        tty.setraw(self.device)
        tty.setraw(end)
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        (folder / "ser2net.yaml").write_text(
            f"connection: &console\n  accepter: telnet(rfc2217),tcp,127.0.0.1,{self.port}\n"
            f"  connector: serialdev,{os.ttyname(end)},115200n81,local\n"
            "  options:\n    kickolduser: true\n"  # whoever asked whether it listens may not have gone yet
        )
        os.close(end)
        self.log = folder / "ser2net.log"
        with self.log.open("wb") as log:
            command = [PROGRAM, "-n", "-d", "-c", str(folder / "ser2net.yaml")]
            self.process = subprocess.Popen(command, stdout=log, stderr=log, stdin=subprocess.DEVNULL)
        self.url = f"rfc2217://127.0.0.1:{self.port}"

    async def listens(self):
        for _ in range(int(SOON / 0.1)):
            if "valid name" in self.log.read_text():
                pytest.skip("ser2net listens nowhere on a machine without a network")
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
            except OSError:
                await asyncio.sleep(0.1)
            else:
                return
        pytest.fail(f"ser2net does not listen: {self.log.read_text()}")

    def kill(self):
        self.process.kill()
        self.process.wait()
        os.close(self.device)


@pytest.fixture
async def server(tmp_path):
    if PROGRAM is None:
        pytest.skip("ser2net is not installed")
    server = Server(tmp_path)
    try:
        await server.listens()
        yield server
    finally:
        server.kill()


async def test_lines_come_through_a_server_without_modem_lines_and_its_end_is_noticed(server, tmp_path):
    lines = asyncio.Queue()
    console = SerialConsole(server.url, baudrate=115_200)
    console.listen(lambda text, at: lines.put_nowait(text))
    await console.open()
    try:
        os.write(server.device, b"event=outgoing_call_initiated\r\n")
        async with asyncio.timeout(SOON):
            assert await lines.get() == "event=outgoing_call_initiated"
        server.process.kill()
        async with asyncio.timeout(SOON):
            await console.lost
    finally:
        await console.close()


async def test_a_button_on_a_modem_line_that_is_not_there_is_refused_with_the_remedy(server):
    options = ModemOutputOptions(kind="serial-line", port=server.url, line="rts")
    output = options.make(SharedPorts(), name="button")
    with pytest.raises(BenchError, match="wire what needs RTS or DTR elsewhere"):
        await output.open()
