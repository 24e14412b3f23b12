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


def _state(folder):
    """Everything that lies in a folder: content, targets of links, folders."""
    return {
        p: p.readlink() if p.is_symlink() else p.read_bytes() if p.is_file() else None
        for p in folder.rglob("*")
    }


def unnamed(tamperings, pristine, key=None):
    """Try tamperings, and return those that were not named, with what was said instead.

    Args:
        tamperings: what is tried; each may be named by one of several texts, with bars between them.
        pristine: the run.
        key: the public key that it is signed with, if it is.
    """
    found = []
    for tampering in tamperings:
        before = _state(pristine.copy)
        tampering.do(pristine.copy)
        if before == _state(pristine.copy):
            continue  # what it did changed nothing: a line for an equal one
        texts = tampering.named.split("|")
        sealed = verify(pristine.copy, key)
        said = " ".join(map(str, sealed.findings))
        if sealed.status != ALTERED or not any(text in said for text in texts):
            found.append(("verify", tampering.name, said[:200]))
        if tampering.recomputed:
            lines = []
            try:
                count = judge_from_evidence(pristine.copy, lines.append)
            except BenchError as problem:
                count, lines = 1, [str(problem)]
            said = "\n".join(lines)
            if not count or not any(text in said for text in texts):
                found.append(("judge again", tampering.name, said[-300:]))
        pristine.restore()
    return found
