"""A server with a domain name is met by it under TLS: a device need not know addresses in certificates."""

import pytest

from intercom_hil.bench.tls import TlsServers
from intercom_hil.bench_file.default_settings import plain_settings
from intercom_hil.bench_file.model import load
from intercom_hil.pki import Pki
from intercom_hil.spec.settings import Settings, Transport
from intercom_hil.timeline import Timeline
from tests.bench.test_relative_paths import BENCH

NAMED = BENCH.replace('address = "127.0.92.10"', 'address = "127.0.92.10"\nname = "pbx.site.example"')


@pytest.fixture(params=[(BENCH, "127.0.92.10"), (NAMED, "pbx.site.example")], ids=["unnamed", "named"])
def bench(request, tmp_path):
    text, server = request.param
    path = tmp_path / "bench.toml"
    path.write_text(text)
    return load(path), server


def test_the_settings_for_tls_name_the_server(bench):
    file, server = bench
    settings = plain_settings(file, "secret-enough", "3410", "PEM", Settings(transport=Transport.TLS))
    assert settings.server_address == server
    assert plain_settings(file, "secret-enough", "3410", "PEM", Settings()).server_address == "127.0.92.10"


async def test_so_do_the_servers_that_testify(bench, tmp_path):
    file, server = bench
    servers = TlsServers(file, Pki(tmp_path / "pki"), append=Timeline().append, name_of=lambda a, p: a)
    try:
        assert (await servers.open("for the address"))["server_address"] == server
        assert (await servers.open("expired"))["server_address"] == server
        assert (await servers.open("another address", by_name=False))["server_address"] == "127.0.92.10"
    finally:
        await servers.close_all()
