"""What labgrid-client says, read as labgrid 26.0.1 says it, and anything else survived."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from intercom_hil.errors import BenchError
from intercom_hil.lab.labgrid_output import News, NewsReader, Resource, place_shown

SHOWN = """\
Place 'door-1':
  comment: the one by the stairs: mind it
  matches:
    lab1/bench1/*
  acquired: rack/ann
  acquired resources:
    lab1/bench1/NetworkSerialPort/console
  allowed: rack/ann
  created: 2026-11-23 01:02:17.298295
  changed: 2026-11-23 01:02:26.839231
  reservation: 8N002Q6SUO
Acquired resource 'console' (lab1/bench1/NetworkSerialPort/console):
  {'acquired': 'door-1',
   'avail': True,
   'cls': 'NetworkSerialPort',
   'params': {'extra': {'proxy': 'localhost', 'proxy_required': False},
              'host': '127.0.76.30',
              'port': 4001,
              'protocol': 'rfc2217',
              'speed': 115200}}
Orphaned resource 'button' (lab1/bench1/NetworkSerialPort/button)
"""
MONITORED = """\
Place door-1 changed:
  reservation: None -> 8N002Q6SUO
Resource lab1/bench1/NetworkSerialPort/console changed:
  acquired: None -> door-1
  params.port: None -> 4001
Place door-1 changed:
  acquired: None -> vm/root
  acquired_resources: [] -> [['lab1', 'bench1', 'NetworkSerialPort', 'console']]
Resource lab1/bench1/???/console deleted
Resource lab1/bench1/NetworkSerialPort/console created: {'cls': 'NetworkSerialPort', 'avail': True}
Place door-1 deleted
"""


def resource(**parameters):
    """A resource with certain parameters."""
    return Resource(
        "console", "lab/bench/NetworkSerialPort/console", there=True, parameters={"params": parameters}
    )


def test_a_place_is_read():
    place = place_shown(SHOWN, "door-1")
    assert (place.acquired, place.reservation) == ("rack/ann", "8N002Q6SUO")
    assert place.changed.startswith("2026-11-23 01:02:26")
    console, button = place.resources
    assert (console.name, console.there, console.url()) == ("console", True, "rfc2217://127.0.76.30:4001")
    assert console.address == "lab1/bench1/console"
    assert (button.name, button.there) == ("button", False)


def test_a_free_place_is_nobodys():
    place = place_shown(SHOWN.replace("rack/ann", "None").replace("8N002Q6SUO", "None"), "door-1")
    assert (place.acquired, place.reservation) == ("", "")


def test_another_place_is_not_taken_for_the_one_that_was_asked_for():
    with pytest.raises(BenchError, match=r"no place 'door'; the nearest is 'door-1'"):
        place_shown(SHOWN, "door")


def test_news_are_put_together():
    reader = NewsReader()
    news = [one for line in MONITORED.splitlines() for one in reader.read(line)]
    console = "lab1/bench1/NetworkSerialPort/console"
    assert news[0] == News("Place", "door-1", "changed", "reservation", "None", "8N002Q6SUO")
    assert News("Resource", console, "changed", "params.port", "None", "4001") in news
    assert News("Place", "door-1", "changed", "acquired", "None", "vm/root") in news
    assert news[-3:] == [
        News("Resource", "lab1/bench1/???/console", "deleted"),
        News("Resource", console, "created"),
        News("Place", "door-1", "deleted"),
    ]
    assert news[-3].address == news[-2].address == "lab1/bench1/console"


def test_a_serial_port_is_where_its_exporter_says():
    assert resource(host="h", port=1, protocol="raw").url() == "socket://h:1"
    assert resource(host="h", port=1).url() == "rfc2217://h:1"
    assert resource(host="h", port=None).url() == ""


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        (resource(host="h", port=1, protocol="telnet"), "'telnet'"),
        (resource(host="h", port=1, extra={"proxy_required": True}), "isolated"),
        (Resource("relay", "lab/bench/HttpDigitalOutput/relay", there=True), "HttpDigitalOutput"),
        (Resource("odd", "nothing", there=True), "nothing"),
    ],
    ids=["protocol", "isolated", "other-class", "no-path"],
)
def test_what_cannot_be_opened_says_why(wrong, told):
    with pytest.raises(BenchError, match=told) as problem:
        wrong.url()
    assert problem.value.remedy


NOISE = st.text(max_size=200) | st.sampled_from([*SHOWN.splitlines(), *MONITORED.splitlines()])


@given(st.lists(NOISE, max_size=30))
def test_no_answer_breaks_the_reader_of_places(lines):
    try:
        place = place_shown("\n".join(lines), "door-1")
    except BenchError:
        return
    for found in place.resources:
        with contextlib.suppress(BenchError):
            found.url()


@given(st.lists(NOISE, max_size=30))
def test_no_line_breaks_the_reader_of_news(lines):
    reader = NewsReader()
    for line in lines:
        for news in reader.read(line):
            assert news.kind in ("Place", "Resource")
            assert isinstance(news.address, str)
