"""Trying tamperings on a copy of a run, and finding those that are not named."""

import shutil

from intercom_hil.errors import BenchError
from intercom_hil.recomputed.again import judge_from_evidence
from intercom_hil.seal.verifying import ALTERED, verify


class Pristine:
    """A run as it was, and a copy of it that is made so again: quicker than a new copy each time."""

    def __init__(self, run, copy):
        self.copy = copy
        shutil.copytree(run, copy)
        self._files = {p.relative_to(copy): p.read_bytes() for p in copy.rglob("*") if p.is_file()}
        self._folders = sorted(p.relative_to(copy) for p in copy.rglob("*") if p.is_dir())

    def restore(self):
        """Make the copy as it was."""
        for path in sorted(self.copy.rglob("*"), reverse=True):
            name = path.relative_to(self.copy)
            if path.is_symlink() or (not path.is_dir() and name not in self._files):
                path.unlink()
            elif path.is_dir() and name not in self._folders:
                path.rmdir()
        for name in self._folders:
            (self.copy / name).mkdir(exist_ok=True)
        for name, content in self._files.items():
            path = self.copy / name
            if not path.is_file() or path.stat().st_size != len(content) or path.read_bytes() != content:
                path.write_bytes(content)


def unnamed(tamperings, pristine):
    """Try tamperings, and return those that were not named, with what was said instead."""
    found = []
    for tampering in tamperings:
        before = {p: p.read_bytes() for p in pristine.copy.rglob("*") if p.is_file()}
        tampering.do(pristine.copy)
        if before == {
            p: p.read_bytes() for p in pristine.copy.rglob("*") if p.is_file() and not p.is_symlink()
        }:
            continue  # what it did changed nothing: a line for an equal one
        sealed = verify(pristine.copy)
        said = " ".join(map(str, sealed.findings))
        if sealed.status != ALTERED or tampering.named not in said:
            found.append(("verify", tampering.name, said[:200]))
        if tampering.recomputed:
            lines = []
            try:
                count = judge_from_evidence(pristine.copy, lines.append)
            except BenchError as problem:
                count, lines = 1, [str(problem)]
            said = "\n".join(lines)
            if not count or tampering.named not in said:
                found.append(("judge again", tampering.name, said[-300:]))
        pristine.restore()
    return found
