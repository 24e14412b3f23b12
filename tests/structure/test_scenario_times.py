"""No scenario has a time of its own: how long a wait may last is asked of the bench, which knows the device.

A number of seconds that suits one device accuses the next one. What a requirement itself states stands in
``spec`` with its source, under a name.
"""

import ast
import re

import pytest

from tests.structure.source_tree import python_files, shown, syntax

TIMES = {
    "after",
    "call_timeout",
    "clear_offer",
    "during",
    "hang_up_after",
    "high",
    "hold",
    "low",
    "mute_after",
    "new_key_after",
    "polling_interval",
    "refer_to",
    "within",
}
"""What is given in seconds, or as a time, wherever it is an argument or a field."""
OTHER_UNITS = re.compile(r"^(dB|Hz)\b")


def numbers(value: ast.AST) -> list[ast.Constant]:
    """Return the numbers in an expression, but for whole ones by which something is multiplied or divided."""
    shares = {
        id(side)
        for node in ast.walk(value)
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult | ast.Div)
        for side in (node.left, node.right)
        if isinstance(side, ast.Constant) and isinstance(side.value, int)
    }
    indices = {id(node.slice) for node in ast.walk(value) if isinstance(node, ast.Subscript)}
    return [
        node
        for node in ast.walk(value)
        if isinstance(node, ast.Constant)
        and type(node.value) in (int, float)
        and id(node) not in shares | indices
    ]


def times(tree: ast.Module) -> list[int]:
    """Return the lines of a scenario file in which a time is written as a number."""
    found: set[int] = set()
    wrong_on_purpose: set[int] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            if isinstance(node.func, ast.Name) and node.func.id == "_refuses":
                wrong_on_purpose |= {id(number) for number in ast.walk(node)}
                continue
            in_seconds = not any(
                isinstance(a, ast.Constant) and a.value in ("dB", "attempts") for a in node.args
            )
            for keyword in node.keywords:
                if keyword.arg in TIMES and (in_seconds or keyword.arg not in ("low", "high")):
                    found |= {number.lineno for number in numbers(keyword.value)}
        elif isinstance(node, ast.Dict):
            for key, value in zip(node.keys, node.values, strict=True):
                if isinstance(key, ast.Constant) and key.value in TIMES:
                    found |= {number.lineno for number in numbers(value)}
    units: set[int] = set()
    for constant, meaning in zip(tree.body, [*tree.body[1:], None], strict=True):
        if not isinstance(constant, ast.Assign | ast.AnnAssign):
            continue
        text = ""
        if isinstance(meaning, ast.Expr) and isinstance(meaning.value, ast.Constant):
            text = str(meaning.value.value)
        if text.lower().startswith(("second", "s ", "s:")):
            found.add(constant.lineno)
        elif OTHER_UNITS.match(text) or (
            isinstance(constant, ast.AnnAssign) and ast.unparse(constant.annotation) == "tuple[object, ...]"
        ):
            units |= {id(number) for number in ast.walk(constant)}
    found |= {
        node.lineno
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant)
        and isinstance(node.value, float)
        and id(node) not in wrong_on_purpose | units
    }
    return sorted(found)


@pytest.mark.parametrize("path", python_files("scenarios"), ids=shown)
def test_a_scenario_asks_the_bench_for_every_time(path):
    assert times(syntax(path)) == []


@pytest.mark.parametrize(
    "source",
    [
        'PROMPT = 2\n"""Seconds within which a device that reacts at all has reacted."""',
        "PROMPT = 2.0",
        "bench.require(pattern, within=2)",
        "bench.require(pattern, within=timeout + 2)",
        "bench.require(pattern, within=bench.timing.dial, after=called.time - 1)",
        "bench.never(rule, pattern, during=bench.timing.watch * 0.5)",
        "answers(hang_up_after=1)",
        "bench.call_device(caller=caller, refer_to=(uri, 1))",
        "Settings(call_timeout=1)",
        'bench.submit({"polling_interval": 30})',
        'bench.measure("OUT-03", name, value, "s", high=1)',
    ],
)
def test_a_time_written_as_a_number_is_found(source):
    assert times(ast.parse(source)) != []


@pytest.mark.parametrize(
    "source",
    [
        "bench.require(pattern, within=2 * bench.timing.dial, count=3)",
        "bench.require(pattern, within=bench.limits.call_timeouts[1] + bench.timing.hang_up)",
        'STEP = 1.5\n"""dB by which a level rises at the least."""',
        'bench.measure("CFG-15", name, value, "dB", low=1)',
        "_refuses(bench, rule, field, (0.5, -1))",
    ],
)
def test_other_numbers_are_none_of_that(source):
    assert times(ast.parse(source)) == []
