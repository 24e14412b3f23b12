"""ReqIF and StrictDoc: what tools for requirements read agrees with run.json, whatever a device says."""

from __future__ import annotations

import contextlib
import json
import os
import re
from collections import Counter
from xml.etree import ElementTree

import pytest
import xmlschema
from report_sample import write_run
from report_stories import answered_at_once, everything
from reqif import PATH_TO_REQIF_ROOT
from reqif.parser import ReqIFParser
from test_reports_hostile import ATTACKS, hostile_story

from intercom_hil import reports
from intercom_hil.reports import reqif, strictdoc
from intercom_hil.run_folder.run import read_run

STRICTDOC_ATTACKS = [
    "[LINK: OUT-01]",
    "[ANCHOR: OUT-01]",
    "<<<",
    ">>>",
    "[[/SECTION]]",
    "[REQUIREMENT]",
    "- x",
]
UID = re.compile(r"[\w]+[\w()\-\/.: ]*")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    found = write_run(tmp_path_factory.mktemp("traced") / "run", everything())
    reports.render(found, ["reqif", "strictdoc"])
    return found


@pytest.fixture(scope="module")
def schema():
    with contextlib.chdir(PATH_TO_REQIF_ROOT):
        return xmlschema.XMLSchema(os.path.join("reqif", "reqif_schema", "reqif.xsd"))


def objects(folder):
    """What a ReqIF document holds, by kind: of each object the values by name, enumerations by name."""
    bundle = ReqIFParser.parse(str(folder / reqif.FILE_NAME))
    content = bundle.core_content.req_if_content
    names = {
        value.identifier: value.long_name
        for datatype in content.data_types
        for value in getattr(datatype, "values", None) or ()
    }
    found = {}
    for one in content.spec_objects:
        kind = bundle.lookup.get_spec_type_by_ref(one.spec_object_type)
        values = {
            kind.attribute_map[item.definition_ref].long_name: item.value
            if isinstance(item.value, str)
            else ", ".join(names[value] for value in item.value)
            for item in one.attributes
        }
        found.setdefault(kind.long_name, {})[one.identifier] = values
    return bundle, found


def nodes(folder):
    """The nodes of a StrictDoc document by tag: the fields of each, those of several lines joined."""
    found, fields, block = {}, {}, ""
    lines = (folder / strictdoc.FILE_NAME).read_text(encoding="utf-8").split("\n")
    for line in lines:
        if block:
            if line.startswith("<<<"):
                block = ""
            else:
                fields[block] = fields.get(block, "") + line
        elif re.fullmatch(r"\[\[?(REQUIREMENT|SCENARIO|SECTION|DOCUMENT|GRAMMAR)\]?\]", line):
            fields = {}
            found.setdefault(line.strip("[]"), []).append(fields)
        elif line.endswith(": >>>"):
            block = line.removesuffix(": >>>")
        elif ": " in line:
            name, _, value = line.partition(": ")
            fields[name] = value
    return found


def test_both_count_as_the_run_does(folder):
    run = json.loads((folder / "run.json").read_text())
    requirements = {key: row["verdict"] for key, row in run["requirements"].items()}
    scenarios = Counter(item["verdict"] for item in run["scenarios"])
    _, found = objects(folder)
    assert {o["ReqIF.ForeignID"]: o["VERDICT"] for o in found["REQUIREMENT"].values()} == requirements
    assert Counter(o["VERDICT"] for o in found["SCENARIO"].values()) == scenarios
    read = nodes(folder)
    assert {node["UID"]: node["VERDICT"] for node in read["REQUIREMENT"]} == requirements
    assert Counter(node["VERDICT"] for node in read["SCENARIO"]) == scenarios


def test_a_relation_leads_from_a_scenario_to_what_it_verifies(folder):
    bundle, found = objects(folder)
    run = json.loads((folder / "run.json").read_text())
    wanted = {(item["title"], key) for item in run["scenarios"] for key in item["requirements"]}
    related = {
        (
            found["SCENARIO"][relation.source]["ReqIF.Name"],
            found["REQUIREMENT"][relation.target]["ReqIF.ForeignID"],
        )
        for relation in bundle.core_content.req_if_content.spec_relations
    }
    assert related == {(title, key) for title, key in wanted if key in run["requirements"]}


def test_evidence_is_linked_from_where_the_document_lies(folder):
    root = ElementTree.parse(folder / reqif.FILE_NAME).getroot()
    linked = [link.get("href") for link in root.iter(f"{{{reqif.XHTML}}}a")]
    assert linked
    assert all((folder / path).exists() for path in linked)


def test_every_requirement_stands_in_its_family(folder):
    bundle, found = objects(folder)
    (specification,) = bundle.core_content.req_if_content.specifications
    titles = [
        found["SECTION"][node.spec_object]["ReqIF.ChapterName"].partition(" ")[0]
        for node in specification.children
    ]
    run = json.loads((folder / "run.json").read_text())
    assert titles == [*dict.fromkeys(key.partition("-")[0] for key in run["requirements"]), "Scenarios"]


@pytest.mark.parametrize("attack", [a.replace("/", "∕") for a in (*ATTACKS, *STRICTDOC_ATTACKS)])
def test_no_text_of_a_device_is_more_than_text(tmp_path, schema, attack):
    story = hostile_story(attack)
    story.doc = f"first\n{attack}\n{attack} again"
    folder = write_run(tmp_path / "run", [story], name=attack)
    reports.render(folder, ["reqif", "strictdoc"])
    schema.validate(str(folder / reqif.FILE_NAME))
    _, found = objects(folder)
    assert [node["ReqIF.Name"] for node in found["SCENARIO"].values()] == [" ".join(attack.split())]
    read = nodes(folder)
    assert len(read["SCENARIO"]) == 1
    assert len(read["REQUIREMENT"]) == len(json.loads((folder / "run.json").read_text())["requirements"])
    written = (folder / strictdoc.FILE_NAME).read_text()
    assert re.search(r"\[(LINK|ANCHOR)", written) is None
    assert re.search(r"^TITLE: >>>$", written, re.MULTILINE) is None
    assert all(UID.fullmatch(node["UID"]) for node in (*read["SCENARIO"], *read["REQUIREMENT"]))


def test_the_same_run_gives_the_same_bytes(folder):
    run = read_run(folder)
    assert reqif.render(run) == (folder / reqif.FILE_NAME).read_bytes()
    assert strictdoc.render(run) == (folder / strictdoc.FILE_NAME).read_bytes()


@pytest.mark.parametrize("stories", [[], [answered_at_once()]])
def test_an_interrupted_run_is_read_too(tmp_path, schema, stories):
    folder = write_run(tmp_path / "run", stories, interrupted=True, verdict="none", stopped_by="no PBX")
    reports.render(folder, ["reqif", "strictdoc"])
    schema.validate(str(folder / reqif.FILE_NAME))
    _, found = objects(folder)
    assert len(found.get("SCENARIO", {})) == len(nodes(folder).get("SCENARIO", [])) == len(stories)
