"""The repository as the structure tests see it: its files, their syntax trees, and what they import."""

import ast
import functools
import subprocess
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
FIRST_PARTY = frozenset({"benchmarks", "conftest", "intercom_hil", "scenarios", "tests"})


@functools.cache
def files() -> tuple[Path, ...]:
    """Return every file that is, or is about to be, in version control; outside of it, every file."""
    try:
        listed = subprocess.run(
            ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
            cwd=ROOT,
            capture_output=True,
            check=True,
            timeout=20,
        )
    except (OSError, subprocess.CalledProcessError):
        hidden = (path for path in ROOT.rglob("*") if not _is_by_product(path))
        return tuple(sorted(path for path in hidden if path.is_file()))
    names = listed.stdout.decode().split("\0")
    return tuple(sorted({ROOT / name for name in names if name and (ROOT / name).is_file()}))


def _is_by_product(path: Path) -> bool:
    parts = path.relative_to(ROOT).parts
    return any(part.startswith(".") or part == "__pycache__" for part in parts) or parts[:2] in (
        ("reports", "runs"),
        ("reports", "proof"),
    )


def python_files(*tops: str) -> list[Path]:
    """Return the Python files below the given folders, and those of the given names, at the root."""
    return [path for path in files() if path.suffix == ".py" and path.relative_to(ROOT).parts[0] in tops]


@functools.cache
def syntax(path: Path) -> ast.Module:
    """Return a file's syntax tree."""
    return ast.parse(path.read_text(encoding="utf-8"), filename=str(path))


def shown(path: Path, line: int = 0) -> str:
    """Return a place as a reader finds it."""
    name = path.relative_to(ROOT).as_posix()
    return f"{name}:{line}" if line else name


def module_name(path: Path) -> str:
    """Return the dotted name of a file's module."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    parts = parts[1:] if parts[0] == "harness" else parts  # the source root of the package
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


@functools.cache
def modules() -> frozenset[str]:
    """Return the dotted names of all modules and packages of the repository."""
    named = {module_name(path) for path in files() if path.suffix == ".py"}
    return frozenset(named | {name.rpartition(".")[0] for name in named if "." in name})


@dataclass(frozen=True)
class Import:
    """One import statement's target, as a module of the repository or of somebody else's package."""

    target: str
    line: int


def imports(tree: ast.AST, module: str, known: frozenset[str], *, is_package: bool = False) -> list[Import]:
    """Return everything a module imports, wherever in it the statement stands.

    ``from a import b`` means the module ``a.b`` where there is one (``known``), and ``a`` otherwise.
    """
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found += [Import(name.name, node.lineno) for name in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = _absolute(node, module, is_package)
            for name in node.names:
                target = f"{base}.{name.name}"
                found.append(Import(target if target in known else base, node.lineno))
    return found


def _absolute(node: ast.ImportFrom, module: str, is_package: bool) -> str:
    if not node.level:
        return node.module or ""
    package = module.split(".")
    package = package[: len(package) - node.level + is_package]
    return ".".join([*package, *([node.module] if node.module else [])])


def imports_of(path: Path) -> list[Import]:
    """Return everything a file of the repository imports."""
    return imports(syntax(path), module_name(path), modules(), is_package=path.name == "__init__.py")


def below(module: str, tops: tuple[str, ...]) -> bool:
    """Return whether a module is one of ``tops`` or inside one."""
    return any(module == top or module.startswith(f"{top}.") for top in tops)
