"""What may stand in a scenario template."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from intercom_hil.sipp import SippError, escaped, render, scenario_templates


@given(st.text())
def test_what_is_written_for_sipp_means_only_itself(text):
    written = escaped(text.encode("utf-8", "replace").decode())
    assert re.fullmatch(r"[ -~]*", written)
    assert not re.search(r"[\[\]\"'&<>]|\\(?!x[0-9A-F]{2})", written)
    read = re.sub(rb"\\x([0-9A-F]{2})", lambda m: bytes.fromhex(m[1].decode()), written.encode())
    assert read == text.encode("utf-8", "replace")


def test_a_template_is_rendered_with_its_values_escaped(tmp_path):
    (tmp_path / "call.xml.j2").write_text('<log message="{{ text|sip }}"/>\n')
    path = render(scenario_templates(tmp_path), "call.xml.j2", tmp_path / "call.xml", text='"<a> & [b]')
    assert path.read_text() == r'<log message="\x22\x3Ca\x3E \x26 \x5Bb\x5D"/>' + "\n"


@pytest.mark.parametrize(("text", "complaint"), [("{% if %}", "Expected"), ("{{ nothing }}", "'nothing'")])
def test_a_wrong_template_is_named(tmp_path, text, complaint):
    (tmp_path / "call.xml.j2").write_text(text)
    with pytest.raises(SippError, match=f"call.xml.j2: scenario template: .*{complaint}"):
        render(scenario_templates(tmp_path), "call.xml.j2", tmp_path / "call.xml")
