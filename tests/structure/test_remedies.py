"""A command that a remedy names can be pasted into a shell as it stands."""

import ast
import re
import subprocess

import pytest

from tests.structure.source_tree import python_files, shown, syntax

PROGRAMS = r"(?:sudo |intercom-hil |apt-get |pip |ss |setcap |ip |podman |docker |labgrid-client )"
COMMAND = re.compile(rf"`({PROGRAMS}[^`]*)`|^(?:as root: )?({PROGRAMS}.*)$")


def text_of(node):
    """Return the text of a literal, with a word in place of each value that is put into it."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.JoinedStr):
        return "".join(part.value if isinstance(part, ast.Constant) else "VALUE" for part in node.values)
    return ""


def remedies():
    """Yield every literal that is a remedy, with its place."""
    for path in python_files("harness"):
        for node in ast.walk(syntax(path)):
            found = []
            if isinstance(node, ast.Call) and ast.unparse(node.func).endswith("BenchError"):
                found += [k.value for k in node.keywords if k.arg == "remedy"] + node.args[2:3]
            elif isinstance(node, ast.Assign) and any(ast.unparse(t) == "remedy" for t in node.targets):
                found.append(node.value)
            for value in found:
                yield shown(path, node.lineno), text_of(value)


def commands(remedy):
    """Return the commands that a remedy names."""
    return [a or b for a, b in COMMAND.findall(remedy)]


def test_a_command_in_a_remedy_can_be_pasted():
    named = [(place, command) for place, remedy in remedies() for command in commands(remedy)]
    assert len(named) > 4
    wrong = [
        (place, command)
        for place, command in named
        if subprocess.run(["sh", "-n", "-c", command], capture_output=True, check=False).returncode
        or "<" in command
    ]
    assert wrong == []


def test_a_command_is_not_hidden_in_a_sentence():
    hidden = re.compile(rf"\((?:[A-Z]\w+: )?{PROGRAMS}[^`)]*\)")
    assert [(place, remedy) for place, remedy in remedies() if hidden.search(remedy)] == []


@pytest.mark.parametrize(
    ("remedy", "found"),
    [
        ("intercom-hil provision (a minute or two)", ["intercom-hil provision (a minute or two)"]),
        ("free it (`ss -lnp` names it), or change it", ["ss -lnp"]),
        ("check its cable", []),
    ],
)
def test_the_rule_finds_commands(remedy, found):
    assert commands(remedy) == found
