"""StrictDoc itself reads both formats that are written for tools like it, in an environment of its own."""

from __future__ import annotations

import json
import re
import subprocess
import sys

import pytest
from report_sample import write_run
from report_stories import everything
from test_reports_hostile import ATTACKS, hostile_story
from test_reports_requirements import STRICTDOC_ATTACKS

from intercom_hil import reports
from intercom_hil.reports import reqif, strictdoc

RELEASE = "0.30.4"
"""The StrictDoc that the documents are read with."""


@pytest.fixture(scope="module")
def program(tmp_path_factory):
    """StrictDoc, with its hundred dependencies apart from the bench's."""
    home = tmp_path_factory.mktemp("strictdoc") / "venv"
    subprocess.run([sys.executable, "-m", "venv", home], check=True)
    subprocess.run([home / "bin/python", "-m", "pip", "install", "-q", f"strictdoc=={RELEASE}"], check=True)
    return home / "bin/strictdoc"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    hostile = [hostile_story(attack.replace("/", "∕")) for attack in (*ATTACKS, *STRICTDOC_ATTACKS)]
    found = write_run(tmp_path_factory.mktemp("strict") / "run", [*everything(), *hostile])
    reports.render(found, ["reqif", "strictdoc"])
    return found


@pytest.mark.nightly
def test_the_document_becomes_web_pages(program, folder, tmp_path):
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / strictdoc.FILE_NAME).write_bytes((folder / strictdoc.FILE_NAME).read_bytes())
    command = [program, "export", tmp_path / "in", "--output-dir", tmp_path / "out"]
    subprocess.run(command, check=True, capture_output=True, text=True)
    (page,) = (tmp_path / "out" / "html").rglob("requirements.html")
    assert "OUT-01" in page.read_text()


@pytest.mark.nightly
def test_reqif_becomes_a_document_with_as_many_nodes(program, folder, tmp_path):
    command = [program, "convert", folder / reqif.FILE_NAME, tmp_path, "--output-format", "sdoc"]
    command += ["--reqif-profile", "p01_sdoc", "--reqif-import-markup", "HTML"]
    subprocess.run(command, check=True, capture_output=True, text=True)
    (document,) = tmp_path.glob("*.sdoc")
    run = json.loads((folder / "run.json").read_text())
    uids = re.findall(r"^UID: ", document.read_text(), re.MULTILINE)
    assert len(uids) == len(run["requirements"]) + len(run["scenarios"])
