"""Which scenarios ask for which requirement, and what they measure: read off the scenarios' own source.

Nothing is imported or run.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(slots=True)
class Trace:
    """What is done about one requirement: scenarios as sentences with their module, measurements by name."""

    scenarios: list[str] = field(default_factory=list)
    measured: list[str] = field(default_factory=list)


def traces(folder: Path) -> dict[str, Trace]:
    """Return the traces of every requirement that a scenario in the folder names.

    Raises:
        OSError, SyntaxError: a module cannot be read.
    """
    found: dict[str, Trace] = {}
    for path in sorted(folder.glob("test_*.py")):
        for function in ast.parse(path.read_text(encoding="utf-8"), str(path)).body:
            if not isinstance(function, ast.AsyncFunctionDef):
                continue
            sentence = function.name.removeprefix("test_").replace("_", " ")
            for requirement in _named_by(function):
                found.setdefault(requirement, Trace()).scenarios.append(f"{sentence} (`{path.stem}`)")
            for requirement, name in _measured_in(function):
                measured = found.setdefault(requirement, Trace()).measured
                if name not in measured:
                    measured.append(name)
    return found


def requirements_of(module: Path, scenario: str) -> tuple[str, ...]:
    """Return the requirements that one scenario names, none where there is no such scenario.

    Args:
        module: its file.
        scenario: the function's name; the case that it was played with may follow in brackets.
    """
    try:
        body = ast.parse(module.read_text(encoding="utf-8"), str(module)).body
    except (OSError, SyntaxError, ValueError):
        return ()
    name = scenario.partition("[")[0]
    return tuple(
        identity
        for function in body
        if isinstance(function, ast.AsyncFunctionDef) and function.name == name
        for identity in _named_by(function)
    )


def _named_by(function: ast.AsyncFunctionDef) -> Iterator[str]:
    for decorator in function.decorator_list:
        if isinstance(decorator, ast.Call) and getattr(decorator.func, "id", "") == "scenario":
            yield from (str(a.value) for a in decorator.args if isinstance(a, ast.Constant))


def _measured_in(function: ast.AsyncFunctionDef) -> Iterator[tuple[str, str]]:
    for node in ast.walk(function):
        if isinstance(node, ast.Call) and getattr(node.func, "attr", "") == "measure":
            words = [a.value for a in node.args if isinstance(a, ast.Constant) and isinstance(a.value, str)]
            if len(words) >= 2:
                yield words[0], words[1]
