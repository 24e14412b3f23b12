"""One line of a device's console or log as a terminal would show it: without control sequences.

ECMA-48 sequences (colours, cursor, titles, character sets), C0 and C1 controls, DEL and byte order marks go.
What a line prints over with backspaces or cursor movements is replaced. Where a line is erased, or the screen
is cleared, what comes after counts, and what stood before when nothing does. Pure, total, linear.
"""

from __future__ import annotations

import re

_WIDEST = 512  # columns that a cursor movement may reach, unless more is written
_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f-\x9f\ufeff]|\\x9b")
_PIECE = re.compile(
    r"(?P<csi>(?:\x1b\[|\x9b|\\x9b)(?P<parameters>[0-?]*)[ -/]*(?P<final>[@-~]))"  # ECMA-48 §5.4
    r"|\x1b\](?:R|P[0-9A-Fa-f]{7})"  # the palette of Linux's console: the only strings without an end
    r"|(?:\x1b[\]PX^_]|[\x90\x98\x9d-\x9f])[^\x07\x18\x1a\x1b\x80-\x9f]*(?:[\x07\x18\x1a\x9c]|\x1b\\)"  # §5.6
    r"|(?P<escape>\x1b[ -/]*[0-~])"
    r"|(?P<control>[\x00-\x1f\x7f-\x9f\ufeff])"
    r"|(?P<text>\\|[^\x00-\x1f\x7f-\x9f\ufeff\\]+)"
)
_NEW_LINE = {"\x1bc", "\x1bD", "\x1bE"}  # RIS, IND, NEL


def without_control_bytes(line: str) -> str:
    """Return what a terminal would show of one line; a tab is kept, a line feed within it is a blank."""
    if _CONTROL.search(line) is None:
        return line
    screen = _ScreenLine()
    for piece in _PIECE.finditer(line):
        if piece["text"]:
            screen.write(piece["text"])
        elif piece["csi"]:
            screen.control_sequence(piece["final"], piece["parameters"])
        elif piece["control"]:
            screen.control(piece["control"])
        elif piece["escape"] in _NEW_LINE:
            screen.start_again()
    return screen.text


def lines_without_control_bytes(text: str) -> str:
    """Return what a terminal would show of each line of a text."""
    return "\n".join(map(without_control_bytes, text.split("\n")))


class _ScreenLine:
    """One line of a screen, with its cursor."""

    def __init__(self) -> None:
        self._cells: list[str] = []
        self._at = 0
        self._before = ""

    @property
    def text(self) -> str:
        """What is shown, or was shown last when nothing is."""
        text = "".join(self._cells)
        if self._at < len(self._cells) and not text[self._at :].strip():
            text = text[: self._at]
        return text if text.strip() else self._before or text

    def write(self, text: str) -> None:
        """Write at the cursor, over what is there."""
        if self._at > len(self._cells):
            self._cells += " " * (self._at - len(self._cells))
        self._cells[self._at : self._at + len(text)] = text
        self._at += len(text)

    def start_again(self) -> None:
        """Erase the line."""
        self._before = self.text
        self._cells, self._at = [], 0

    def control(self, character: str) -> None:
        """Obey a C0 control; the others show nothing."""
        match character:
            case "\b":
                self._move(-1)
            case "\r":
                self.start_again()
            case "\t":
                self.write("\t")
            case "\n" | "\v" | "\f":
                self.write(" ")

    def control_sequence(self, final: str, parameters: str) -> None:
        """Obey a control sequence (ECMA-48 §8.3) as far as it concerns one line."""
        first = parameters.split(";")[0]
        number = min(int(first), _WIDEST) if first.isascii() and first.isdecimal() else 0
        count = max(number, 1)
        match final:
            case "K" | "J" if number == 0:
                del self._cells[self._at :]
            case "K" | "J" | "H" | "f" | "E" | "F":
                self.start_again()
            case "G" | "`" if count == 1:
                self.start_again()
            case "G" | "`":
                self._at = count - 1
            case "C":
                self._move(count)
            case "D":
                self._move(-count)
            case "P":
                del self._cells[self._at : self._at + count]
            case "X":
                self._cells[self._at : self._at + count] = " " * len(self._cells[self._at : self._at + count])

    def _move(self, columns: int) -> None:
        self._at = max(0, min(self._at + columns, max(len(self._cells), _WIDEST)))
