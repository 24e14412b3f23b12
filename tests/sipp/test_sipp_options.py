"""What goes onto SIPp's command line, and what never gets there."""

from pathlib import Path

import pytest

from intercom_hil.sipp import (
    BuiltIn,
    Credentials,
    LocalHost,
    Media,
    OptionError,
    Options,
    Sipp,
    SippError,
    Tls,
    Traces,
    Transport,
)

LOCAL = ("127.0.0.1", 5070)


def arguments(**options):
    return " ".join(Options(options.pop("scenario", BuiltIn.UAS), local=LOCAL, **options).argv())


def test_a_sipp_is_bound_to_its_address_alone():
    line = arguments(control=("127.0.0.1", 9000))
    assert line.startswith(
        "sipp -sn uas -t u1 -i 127.0.0.1 -bind_local -p 5070 -ci 127.0.0.1 -cp 9000 -nostdin"
    )


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"remote": ("10.0.0.1", 5060)}, "sipp 10.0.0.1:5060 -sn"),
        ({"scenario": Path("/x/y.xml")}, "-sf /x/y.xml"),
        ({"calls": 3, "simultaneous": 2}, "-m 3 -l 2"),
        ({"rate": 20}, "-r 20"),
        ({"rate": 0.5}, "-r 1 -rp 2000"),
        ({"rate": 2.5}, "-r 1 -rp 400"),
        ({"pause": 0.25}, "-d 250"),
        ({"receive_timeout": 1.5}, "-recv_timeout 1500"),
        ({"lifetime": 90}, "-timeout 90000ms"),
        ({"credentials": Credentials("u", "p")}, "-au u -ap p"),
        ({"injection": [Path("a.csv"), Path("b.csv")]}, "-inf a.csv -inf b.csv"),
        ({"variables": {"x": "1"}, "keywords": {"y": "2"}}, "-set x 1 -key y 2"),
        ({"answers_out_of_call": True}, "-aa"),
        ({"default_behaviors": "all,-bye"}, "-default_behaviors all,-bye"),
        (
            {"media": Media("10.0.0.2", (20000, 20010), echo=True)},
            "-min_rtp_port 20000 -max_rtp_port 20010 -rtp_echo",
        ),
        (
            {"transport": Transport.TLS, "tls": Tls(Path("c.pem"), Path("k.pem"), Path("ca.pem"), "1.3")},
            "-tls_cert c.pem -tls_key k.pem -tls_ca ca.pem -tls_version 1.3",
        ),
        (
            {"traces": Traces(log=None, statistics=Path("s.csv"), statistics_every=5)},
            "-trace_stat -stf s.csv -fd 5",
        ),
        ({"traces": Traces(counts=True, response_times=True)}, "-trace_counts -trace_rtt -rtt_freq 1"),
        ({"more": ["-skip_rlimit"]}, "-skip_rlimit"),
    ],
)
def test_an_option_becomes_arguments(options, expected):
    assert expected in arguments(**options)


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"remote": ("10.0.0.1", 0)}, "remote"),
        ({"remote": ("", 5060)}, "remote"),
        ({"control": ("127.0.0.1", 70000)}, "control"),
        ({"calls": 0}, "calls: 0"),
        ({"rate": float("nan")}, "rate"),
        ({"lifetime": -1}, "lifetime"),
        ({"pause": -0.1}, "pause"),
        ({"tls": Tls()}, "tls: not with transport UDP"),
        ({"transport": Transport.TLS}, "tls: a server needs a certificate"),
    ],
)
def test_a_value_that_makes_no_sense_is_named(options, named):
    with pytest.raises(OptionError, match=named):
        Options(BuiltIn.UAS, local=LOCAL, **options)


@pytest.mark.parametrize(
    ("make", "named"),
    [
        (lambda: Tls(certificate=Path("c.pem")), "belong together"),
        (lambda: Tls(version="1.4"), "1.4"),
        (lambda: Media("10.0.0.1", (20010, 20000)), "20010-20000"),
    ],
)
def test_a_part_that_makes_no_sense_is_named(make, named):
    with pytest.raises(OptionError, match=named):
        make()


def test_a_password_is_not_shown():
    assert "hunter2" not in repr(Options(BuiltIn.UAS, local=LOCAL, credentials=Credentials("u", "hunter2")))


def test_the_files_beside_a_stem_keep_its_dots():
    assert Traces.beside(Path("/x/a.b")).errors == Path("/x/a.b.errors.log")


async def test_a_missing_program_is_named_with_its_remedy(tmp_path):
    sipp = Sipp(Options(BuiltIn.UAS, local=("127.0.0.1", 0)), tmp_path, program=["no-such-sipp"])
    with pytest.raises(SippError, match=r"no-such-sipp: cannot be run: No such file.*install SIPp"):
        await sipp.start()
    with pytest.raises(SippError, match="never started"):
        await sipp.stop()


@pytest.mark.parametrize("address", ["192.0.2.1", "nowhere", "::1"])
async def test_an_address_that_is_not_this_machines_is_named(tmp_path, address):
    with pytest.raises(SippError, match=f"{address}: cannot use it"):
        await Sipp(Options(BuiltIn.UAS, local=(address, 0)), tmp_path).start()


async def test_a_local_program_logs_line_by_line_and_is_waited_for(tmp_path):
    (tmp_path / "lines").write_bytes(b"one\n\xfftwo\r\nlast")
    heard = []
    process = await LocalHost().start(
        "cp", ["cp", "lines", "/dev/fd/3"], cwd=tmp_path, on_line=lambda *line: heard.append(line[:2])
    )
    assert (await process.wait()).status == 0
    assert heard == [("log", "one"), ("log", "\ufffdtwo"), ("log", "last")]
    process.signal(15)  # too late, and no harm


async def test_a_local_program_that_is_killed_says_by_what(tmp_path):
    process = await LocalHost().start("sleep", ["sleep", "60"], cwd=tmp_path)
    process.signal(9)
    end = await process.wait()
    assert (end.status, end.signal) == (None, 9)
