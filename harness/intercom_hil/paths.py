"""Paths in a configuration file: a relative one counts from the folder of the file that names it.

A model that has such fields is validated with the context ``{"folder": Path}``; without one, paths stay as
they are.
"""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field, ValidationInfo

_NO_PATH = ("labgrid:",)
"""What a port may begin with that is neither a path nor a URL."""


def _folder(info: ValidationInfo) -> Path | None:
    folder = (info.context or {}).get("folder")
    return None if folder is None else Path(folder)


def _file(value: Path, info: ValidationInfo) -> Path:
    folder = _folder(info)
    return value if folder is None else folder / value


def _port(value: str, info: ValidationInfo) -> str:
    folder = _folder(info)
    if folder is None or "/" not in value or "://" in value or value.startswith(_NO_PATH):
        return value
    return str(folder / value)


def _program(words: tuple[str, ...], info: ValidationInfo) -> tuple[str, ...]:
    folder = _folder(info)
    if folder is None or not words or "/" not in words[0]:
        return words  # a bare name is looked up in PATH
    return (str(folder / words[0]), *words[1:])


def _split(value: Any) -> Any:
    return tuple(shlex.split(value)) if isinstance(value, str) else value


FileBeside = Annotated[Path, AfterValidator(_file)]
"""A file or folder."""
PortBeside = Annotated[
    str, Field(min_length=1, description="device path or pyserial URL"), AfterValidator(_port)
]
"""A serial port: a path, a name, or a URL. Only one with a folder in it (``./tty``) is a relative path."""
Words = Annotated[tuple[str, ...], BeforeValidator(_split), AfterValidator(_program)]
"""A command: a list of words, or a text that is split as a shell would, without running one.

A program that is named with a folder (``./configure``) counts from the file's folder; its arguments are
passed on as they are.
"""
Command = Annotated[Words, Field(min_length=1)]
