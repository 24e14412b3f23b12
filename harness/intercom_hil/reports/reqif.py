"""The ReqIF renderer: requirements with verdicts, for tools that exchange requirements (OMG ReqIF).

Requirements stand in their families, scenarios after them; a relation ``verifies`` leads from each scenario
to the requirements that it is about or breaks. Evidence is linked by paths relative to the run directory, in
which the document lies. Attributes bear the names that the ReqIF implementation guide has for them. The same
run gives the same bytes.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from xml.etree import ElementTree
from xml.etree.ElementTree import Element, SubElement

from intercom_hil.reports.output import put
from intercom_hil.reports.traced import STAMP, TracedRequirement, TracedScenario, about, findings, trace
from intercom_hil.run_folder import verdicts
from intercom_hil.run_folder.fields import clock, line, shorten, text
from intercom_hil.run_folder.records import Run

FILE_NAME = "requirements.reqif"
NAMESPACE = "http://www.omg.org/spec/ReqIF/20110401/reqif.xsd"
XHTML = "http://www.w3.org/1999/xhtml"
_STRING, _VERDICT, _XHTML = "STRING", "ENUMERATION", "XHTML"
_TYPES: Mapping[str, Mapping[str, str]] = {
    "SECTION": {"ReqIF.ChapterName": _STRING},
    "REQUIREMENT": {
        "ReqIF.ForeignID": _STRING,
        "ReqIF.Name": _STRING,
        "ReqIF.Text": _STRING,
        "CLASS": _STRING,
        "VERDICT": _VERDICT,
        "SOURCE": _STRING,
        "RATIONALE": _STRING,
        "FINDINGS": _XHTML,
        "EVIDENCE": _XHTML,
    },
    "SCENARIO": {
        "ReqIF.ForeignID": _STRING,
        "ReqIF.Name": _STRING,
        "ReqIF.Text": _STRING,
        "VERDICT": _VERDICT,
        "STARTED": _STRING,
        "FINDINGS": _XHTML,
        "EVIDENCE": _XHTML,
    },
}
"""What there is in the document, and the attributes of each by name, with the kind of value."""
_LONGEST = 32_000
_OBJECTS, _RELATIONS = "SPEC-OBJECTS", "SPEC-RELATIONS"
_LEVEL = 3
"""How deep these two stand in the document."""
_Value = str | Element


def render(run: Run) -> bytes:
    """Return the run as a ReqIF document in UTF-8."""
    return b"".join(_Document(run).pieces())


def write(run: Run) -> Path:
    """Write the document into the run directory and return its path."""
    return put(run.folder, FILE_NAME, _Document(run).pieces())


class _Document:
    """One document in the making, piece by piece: what is written is not held."""

    def __init__(self, run: Run) -> None:
        self._run, self._trace = run, trace(run)
        self._stamp = clock(run.ended or run.started or 0.0, STAMP)

    def pieces(self) -> Iterator[bytes]:
        """Yield it in UTF-8: what stands round the objects and their relations, and these one by one."""
        root = Element("REQ-IF", {"xmlns": NAMESPACE, "xmlns:xhtml": XHTML})
        self._head(root)
        content = SubElement(SubElement(root, "CORE-CONTENT"), "REQ-IF-CONTENT")
        self._types(content)
        objects, relations = SubElement(content, _OBJECTS), SubElement(content, _RELATIONS)
        self._places(SubElement(content, "SPECIFICATIONS"))
        ElementTree.indent(root, " ")
        left = ElementTree.tostring(root, encoding="utf-8", xml_declaration=False)
        yield b'<?xml version="1.0" encoding="UTF-8"?>\n'
        for element, below in ((objects, self._objects()), (relations, self._relations())):
            before, _, left = left.partition(ElementTree.tostring(element).strip())
            yield before
            yield from _filled(element.tag, below)
        yield left + b"\n"

    def _head(self, root: Element) -> None:
        head = SubElement(SubElement(root, "THE-HEADER"), "REQ-IF-HEADER")
        head.set("IDENTIFIER", self._id("header"))
        for name, value in {
            "COMMENT": f"SHA-256 of run.json: {self._run.fingerprint}",
            "CREATION-TIME": self._stamp,
            "REQ-IF-TOOL-ID": "intercom-hil",
            "REQ-IF-VERSION": "1.0",
            "SOURCE-TOOL-ID": f"intercom-hil {line(self._run.environment.get('harness'))}".strip(),
            "TITLE": about(self._run),
        }.items():
            SubElement(head, name).text = value

    def _types(self, content: Element) -> None:
        datatypes = SubElement(content, "DATATYPES")
        self._identified(datatypes, "DATATYPE-DEFINITION-STRING", "text", **{"MAX-LENGTH": str(_LONGEST)})
        self._identified(datatypes, "DATATYPE-DEFINITION-XHTML", "xhtml")
        listed = self._identified(datatypes, "DATATYPE-DEFINITION-ENUMERATION", "verdict")
        values = SubElement(listed, "SPECIFIED-VALUES")
        for verdict in verdicts.VERDICTS:
            value = self._identified(values, "ENUM-VALUE", f"verdict {verdict.name}", verdict.name)
            key = {"KEY": str(verdict.rank), "OTHER-CONTENT": verdict.meaning}
            SubElement(SubElement(value, "PROPERTIES"), "EMBEDDED-VALUE", key)
        of_kind = {_STRING: "text", _XHTML: "xhtml", _VERDICT: "verdict"}
        types = SubElement(content, "SPEC-TYPES")
        for name, attributes in _TYPES.items():
            object_type = self._identified(types, "SPEC-OBJECT-TYPE", f"type {name}", name)
            defined = SubElement(object_type, "SPEC-ATTRIBUTES")
            for attribute, kind in attributes.items():
                definition = self._identified(
                    defined, f"ATTRIBUTE-DEFINITION-{kind}", f"{name} {attribute}", attribute
                )
                if kind == _VERDICT:
                    definition.set("MULTI-VALUED", "false")
                reference = SubElement(SubElement(definition, "TYPE"), f"DATATYPE-DEFINITION-{kind}-REF")
                reference.text = self._id(of_kind[kind])
        self._identified(types, "SPEC-RELATION-TYPE", "verifies")
        self._identified(types, "SPECIFICATION-TYPE", "specification")

    def _places(self, specifications: Element) -> None:
        specification = self._identified(specifications, "SPECIFICATION", "the run", about(self._run))
        kind = SubElement(SubElement(specification, "TYPE"), "SPECIFICATION-TYPE-REF")
        kind.text = self._id("specification")
        children = SubElement(specification, "CHILDREN")
        for name, rows in self._sections():
            below = SubElement(self._place(children, f"section {name}"), "CHILDREN")
            for row in rows:
                self._place(below, _key(row))

    def _sections(self) -> Iterator[tuple[str, Sequence[TracedRequirement] | Sequence[TracedScenario]]]:
        yield from self._trace.families
        if self._trace.scenarios:
            yield "Scenarios", self._trace.scenarios

    def _objects(self) -> Iterator[Element]:
        for name, rows in self._sections():
            yield self._object(f"section {name}", "SECTION", {"ReqIF.ChapterName": name})
            for row in rows:
                yield self._requirement(row) if isinstance(row, TracedRequirement) else self._scenario(row)

    def _requirement(self, traced: TracedRequirement) -> Element:
        row = traced.row
        return self._object(
            _key(traced),
            "REQUIREMENT",
            {
                "ReqIF.ForeignID": traced.uid,
                "ReqIF.Name": row.title,
                "ReqIF.Text": row.text or row.title,
                "CLASS": row.kind,
                "VERDICT": row.verdict.name,
                "SOURCE": row.source,
                "RATIONALE": row.harm,
                "FINDINGS": _list(traced.findings),
                "EVIDENCE": _links(traced.scenarios),
            },
        )

    def _scenario(self, traced: TracedScenario) -> Element:
        scenario = traced.scenario
        return self._object(
            _key(traced),
            "SCENARIO",
            {
                "ReqIF.ForeignID": traced.uid,
                "ReqIF.Name": scenario.title,
                "ReqIF.Text": scenario.doc or scenario.title,
                "VERDICT": scenario.verdict.name,
                "STARTED": clock(scenario.started, STAMP),
                "FINDINGS": _list(findings(scenario)),
                "EVIDENCE": _links([traced]),
            },
        )

    def _relations(self) -> Iterator[Element]:
        for traced in self._trace.scenarios:
            for requirement in traced.verifies:
                yield self._verifies(_key(traced), f"object {self._trace.uids[requirement]}")

    def _verifies(self, scenario: str, requirement: str) -> Element:
        relation = self._identified(None, "SPEC-RELATION", f"{scenario} {requirement}")
        del relation.attrib["LONG-NAME"]
        for name, key in {"TARGET": requirement, "SOURCE": scenario}.items():
            SubElement(SubElement(relation, name), "SPEC-OBJECT-REF").text = self._id(key)
        SubElement(SubElement(relation, "TYPE"), "SPEC-RELATION-TYPE-REF").text = self._id("verifies")
        return relation

    def _object(self, key: str, kind: str, values: Mapping[str, _Value]) -> Element:
        element = self._identified(None, "SPEC-OBJECT", key)
        del element.attrib["LONG-NAME"]
        listed = SubElement(element, "VALUES")
        for name, value in values.items():
            if value is not None and value != "":
                self._value(listed, kind, name, value)
        SubElement(SubElement(element, "TYPE"), "SPEC-OBJECT-TYPE-REF").text = self._id(f"type {kind}")
        return element

    def _value(self, listed: Element, kind: str, name: str, value: _Value) -> None:
        value_kind = _TYPES[kind][name]
        element = SubElement(listed, f"ATTRIBUTE-VALUE-{value_kind}")
        if value_kind == _STRING:
            element.set("THE-VALUE", shorten(str(value), _LONGEST))
        if value_kind == _VERDICT:
            reference = SubElement(SubElement(element, "VALUES"), "ENUM-VALUE-REF")
            reference.text = self._id(f"verdict {value}")
        definition = SubElement(element, "DEFINITION")
        SubElement(definition, f"ATTRIBUTE-DEFINITION-{value_kind}-REF").text = self._id(f"{kind} {name}")
        if isinstance(value, Element):
            SubElement(element, "THE-VALUE").append(value)

    def _place(self, children: Element, key: str) -> Element:
        node = self._identified(children, "SPEC-HIERARCHY", f"place of {key}")
        del node.attrib["LONG-NAME"]
        SubElement(SubElement(node, "OBJECT"), "SPEC-OBJECT-REF").text = self._id(key)
        return node

    def _identified(self, parent: Element | None, tag: str, key: str, name: str = "", **more: str) -> Element:
        attributes = {
            "IDENTIFIER": self._id(key),
            "LAST-CHANGE": self._stamp,
            "LONG-NAME": name or key,
        } | more
        return Element(tag, attributes) if parent is None else SubElement(parent, tag, attributes)

    def _id(self, key: str) -> str:
        return f"_{uuid.uuid5(uuid.NAMESPACE_OID, f'{self._run.fingerprint} {key}')}"


def _key(traced: TracedRequirement | TracedScenario) -> str:
    """Return what an object is called from which its identifier is made."""
    return f"object {traced.uid}"


def _filled(tag: str, elements: Iterable[Element]) -> Iterator[bytes]:
    """Yield an element that holds others, indented as the whole document is."""
    inner, outer = "\n" + " " * (_LEVEL + 1), "\n" + " " * _LEVEL
    empty = True
    for element in elements:
        ElementTree.indent(element, " ", _LEVEL + 1)
        opened = f"<{tag}>" if empty else ""
        yield f"{opened}{inner}{ElementTree.tostring(element, encoding='unicode')}".encode()
        empty = False
    yield (f"<{tag} />" if empty else f"{outer}</{tag}>").encode()


def _list(items: Iterable[str]) -> _Value:
    found = [shorten(text(item), _LONGEST) for item in items]
    if not found:
        return ""
    block = Element("xhtml:div")
    listed = SubElement(block, "xhtml:ul")
    for item in found:
        SubElement(listed, "xhtml:li").text = item
    return block


def _links(scenarios: Iterable[TracedScenario]) -> _Value:
    """Return the evidence of scenarios: of each its verdict, its title and links."""
    block = Element("xhtml:div")
    listed = SubElement(block, "xhtml:ul")
    for traced in scenarios:
        item = SubElement(listed, "xhtml:li")
        item.text = f"{traced.scenario.verdict.name}: {traced.scenario.title} "
        for label, href in traced.evidence:
            link = SubElement(item, "xhtml:a", {"href": href})
            link.text, link.tail = label, " "
    return block if len(listed) else ""
