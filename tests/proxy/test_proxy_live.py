"""The proxy for real: Kamailio in a container, asked over UDP, stopped, started again, and lost."""

import asyncio
import secrets
import signal
import socket

import pytest
import pytest_asyncio

from intercom_hil.errors import BenchError
from intercom_hil.processes.image import ready_engine
from intercom_hil.processes.process_host import ContainerProcessHost
from intercom_hil.proxy.config import ProxyConfig
from intercom_hil.proxy.proxy import ASK_AGAIN, STOP_WITHIN, Proxy
from intercom_hil.timeline import Timeline

ADDRESS, SERVER, DEVICE = "127.0.52.111", "127.0.52.110", "127.0.52.130"
PORT = 5080


@pytest_asyncio.fixture(scope="module")
async def place(tmp_path_factory):
    folder = tmp_path_factory.mktemp("proxy")
    engine, image = ready_engine(lambda _: None)
    place = ContainerProcessHost(engine, image, f"test-{secrets.token_hex(2)}", mounts=[folder])
    try:
        yield await place.start(), folder
    finally:
        await place.stop()


@pytest.fixture
def timeline():
    return Timeline()


@pytest_asyncio.fixture
async def proxy(place, timeline):
    supervised, folder = place
    made = Proxy(
        host=supervised,
        address=ADDRESS,
        port=PORT,
        server=SERVER,
        folder=folder,
        append=timeline.append,
    )
    await made.start()
    yield made
    await made.stop()


def request(method, *headers, source=DEVICE):
    lines = [
        f"{method} sip:3401@{SERVER} SIP/2.0",
        f"Via: SIP/2.0/UDP {source}:5060;branch=z9hG4bK{secrets.token_hex(6)}",
        f"From: <sip:3401@{SERVER}>;tag=1",
        f"To: <sip:3401@{SERVER}>",
        f"Call-ID: {secrets.token_hex(6)}",
        f"CSeq: 1 {method}",
        "Max-Forwards: 70",
        *headers,
        "Content-Length: 0",
    ]
    return "\r\n".join([*lines, "", ""]).encode()


class Party:
    """A UDP socket that waits, within bounds, for the next SIP message."""

    def __init__(self, address):
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.setblocking(False)
        self.socket.bind((address, 5060))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def send(self, message):
        self.socket.sendto(message, (ADDRESS, PORT))

    async def hears(self, within=3.0):
        async with asyncio.timeout(within):
            return (await asyncio.get_running_loop().sock_recv(self.socket, 65_536)).decode()


async def test_it_asks_whoever_opens_something_for_credentials_of_its_own_realm(proxy):
    with Party(DEVICE) as device:
        for method in ("REGISTER", "INVITE"):
            device.send(request(method))
            heard = await device.hears()
            assert heard.startswith("SIP/2.0 407")
            assert f'Proxy-Authenticate: Digest realm="{proxy.realm}"' in heard


async def test_the_server_is_passed_on_unasked_and_stays_reachable_through_it(proxy):
    with Party(SERVER) as server, Party(DEVICE) as device:
        invite = request("INVITE", f"Route: <sip:{ADDRESS}:{PORT};lr>", source=SERVER)
        server.send(
            invite.replace(f"INVITE sip:3401@{SERVER}".encode(), f"INVITE sip:3401@{DEVICE}".encode())
        )
        heard = await device.hears()
        assert heard.startswith(f"INVITE sip:3401@{DEVICE}")
        assert "Record-Route:" in heard


async def test_it_answers_again_after_it_was_stopped(proxy):
    with Party(DEVICE) as device:
        await proxy.stop()
        await proxy.stop()
        assert not proxy.lost.done()
        await proxy.start()
        await proxy.start()
        device.send(request("REGISTER"))
        assert (await device.hears()).startswith("SIP/2.0 407")


async def test_it_ends_although_one_of_its_processes_hangs(place, proxy):
    supervised, folder = place
    pid = proxy._process.pid
    hang = f'kill -STOP $(cut -d" " -f1 /proc/{pid}/task/{pid}/children)'
    hung = await (await supervised.start("hang", ["sh", "-c", hang], cwd=folder)).wait(5)
    assert hung.status == 0
    await proxy.stop()


async def test_an_end_that_nobody_asked_for_is_told(place, timeline, proxy):
    async with asyncio.timeout(STOP_WITHIN):
        while not proxy.lost.done():
            proxy._process.signal(signal.SIGTERM)
            await asyncio.wait({proxy.lost}, timeout=ASK_AGAIN)
    assert "ended" in proxy.lost.result()
    assert [o.content.instrument for o in timeline] == ["proxy"]


async def test_a_taken_port_is_told_with_the_proxys_own_words(place, timeline):
    supervised, folder = place
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind((ADDRESS, 5099))
        proxy = Proxy(
            host=supervised,
            address=ADDRESS,
            port=5099,
            server=SERVER,
            folder=folder,
            append=timeline.append,
        )
        with pytest.raises(BenchError, match=r"did not start.*5099 are free"):
            await proxy.start()
    assert not proxy.lost.done()


@pytest.mark.parametrize("name", ["realm", "username", "password"])
@pytest.mark.parametrize("text", ['a"b', "a\nb", "", "a;b"])
def test_what_could_not_stand_in_the_file_is_refused_by_name(name, text):
    good = {"realm": "r", "username": "u", "password": "p"}
    config = ProxyConfig("127.0.0.1", 5060, "127.0.0.2", **(good | {name: text}))
    with pytest.raises(BenchError, match=name):
        config.text()
