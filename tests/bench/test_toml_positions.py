"""Where a bench file is wrong: every mistake with its line and column, whatever shape the TOML has."""

import tomllib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from intercom_hil.bench_file.model import load
from intercom_hil.bench_file.toml_positions import nearest, positions
from intercom_hil.errors import BenchError
from tests.structure.source_tree import ROOT

EMULATED = (ROOT / "fixtures" / "benches" / "emulated.toml").read_text(encoding="utf-8")
TEXT = """\
# name = "not this one"
[a]   # [a.b] is below
name = "x"
list = [
  1,   # name
  2,
]
[[a.rows]]
name = 'one'
[[a.rows]]
"quoted name" = 2
text = \"\"\"
name = 1
\"\"\"
[a.b]
inline = { left = 1, right = 2 }
dotted.key = true
"""


def test_every_key_is_where_it_is_named():
    found = positions(TEXT)
    assert found[("a",)] == (2, 2)
    assert found[("a", "name")] == (3, 1)
    assert found[("a", "list")] == found[("a", "list", 1)] == (4, 1)
    assert found[("a", "rows", 0, "name")] == (9, 1)
    assert found[("a", "rows", 1, "quoted name")] == (11, 2)
    assert found[("a", "rows", 1, "text")] == (12, 1)
    assert found[("a", "b")] == (15, 4)
    assert found[("a", "b", "inline", "right")] == (16, 22)
    assert found[("a", "b", "dotted", "key")] == (17, 8)


def test_a_location_that_no_file_has_is_told_by_what_is_nearest():
    document, found = tomllib.loads(TEXT), positions(TEXT)
    assert nearest(("a", "b", "some kind", "inline"), document, found) == (("a", "b", "inline"), (16, 1))
    assert nearest(("a", "b", "some kind", "absent"), document, found) == (("a", "b", "absent"), (15, 4))
    assert nearest(("absent",), document, found) == (("absent",), None)


@given(st.dictionaries(st.text("abcxyz-_", min_size=1, max_size=6), st.integers(), max_size=8))
def test_keys_in_a_row_stand_on_lines_in_a_row(values):
    text = "".join(f"{key} = {value}\n" for key, value in values.items())
    assert positions(text) == {(key,): (line, 1) for line, key in enumerate(values, 1)}


def refusal(tmp_path, text):
    path = tmp_path / "bench.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(BenchError) as problem:
        load(path)
    return str(problem.value)


@pytest.mark.parametrize(
    ("before", "after", "below", "told"),
    [
        ('interface = "lo"', "interface = 3", 0, "column 1: capture.interface: "),
        ("port = 5080", "port = 70000", 0, "column 1: proxy.port: "),
        ('addresses = ["127.0.0.21"', 'addresses = ["127.0.0.999"', 0, "column 1: stations.addresses[0]: "),
        ("[device.capabilities]", "[device.capabilities]#", 0, "column 9: device.capabilities.event_log: "),
        ("video = true", "video = true\nsmell = true", 1, "column 1: device.capabilities.smell: "),
        (
            "[device.capabilities]",
            '[device.button]\nkind = "gpio"\nline = 3\n[device.capabilities]',
            0,
            "column 9: device.button.chip: Field required",
        ),
        ("[capture]", "[capture", 0, "column 9"),
    ],
    ids=["type", "range", "in-an-array", "missing", "unknown", "missing-of-a-kind", "no-toml"],
)
def test_every_mistake_has_its_line_and_column(tmp_path, before, after, below, told):
    line = EMULATED[: EMULATED.index(before)].count("\n") + 1 + below
    text = EMULATED.replace("event_log = true\n", "") if "event_log" in told else EMULATED
    assert f"line {line}, {told}" in refusal(tmp_path, text.replace(before, after, 1))


def test_several_mistakes_are_told_at_once(tmp_path):
    text = EMULATED.replace("port = 5080", "port = 0").replace("video = true", 'video = "perhaps"')
    told = refusal(tmp_path, text)
    assert "column 1: proxy.port" in told
    assert "column 1: device.capabilities.video" in told
