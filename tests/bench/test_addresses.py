"""The addresses of a bench: one message for each that is not this host's, one for each port that is taken."""

import socket

import pytest

from intercom_hil.bench_file.addresses import taken_addresses
from intercom_hil.bench_file.model import load
from tests.structure.source_tree import ROOT

EMULATED = (ROOT / "fixtures" / "benches" / "emulated.toml").read_text(encoding="utf-8")


def problems(folder, *changes):
    text = EMULATED.replace("127.0.0.", "127.0.91.")
    for before, after in changes:
        assert before in text
        text = text.replace(before, after)
    path = folder / "bench.toml"
    path.write_text(text)
    return list(taken_addresses(load(path)))


def test_an_address_of_another_host_is_one_message(tmp_path):
    (problem,) = problems(tmp_path, ('[pbx]\naddress = "127.0.91.10"', '[pbx]\naddress = "192.0.2.10"'))
    assert (problem.where, problem.what) == ("pbx.address", "192.0.2.10 is not an address of this host")
    assert "sudo ip address add 192.0.2.10/" in problem.remedy
    assert problem.remedy.split("ip address add ")[1].split("`")[0].endswith(" dev lo")


@pytest.mark.parametrize(("kind", "protocol"), [(socket.SOCK_DGRAM, "UDP"), (socket.SOCK_STREAM, "TCP")])
def test_a_taken_port_is_named_with_the_command_that_finds_its_owner(tmp_path, kind, protocol):
    with socket.socket(socket.AF_INET, kind) as other:
        other.bind(("127.0.91.10", 5060))
        if kind is socket.SOCK_STREAM:
            other.listen()
        (problem,) = problems(tmp_path)
    assert (problem.where, problem.what) == (
        "pbx.sip_port",
        f"{protocol} 127.0.91.10:5060 is in use by another program",
    )
    assert f"sudo ss -ln{protocol[0].lower()}p sport = :5060" in problem.remedy
