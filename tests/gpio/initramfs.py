"""The guest's first file system: a gzipped cpio archive ("newc") with a shell and kernel modules in order."""

import gzip
import lzma
import re
from pathlib import Path

FOLDERS = ("bin", "modules", "proc", "sys", "dev", "host")
_DEPENDS = re.compile(rb"\0depends=([^\0]*)\0")


def modules_in_order(folder: Path, names: tuple[str, ...]) -> dict[str, bytes]:
    """Return the named kernel modules and what they depend on, unpacked, in the order to load them."""
    builtin = {_plain(Path(line).stem) for line in (folder / "modules.builtin").read_text().split()}
    paths = {_plain(path.name.partition(".ko")[0]): path for path in (folder / "kernel").rglob("*.ko*")}
    found: dict[str, bytes] = {}

    def add(name: str) -> None:
        if name in found or name in builtin:
            return
        raw = paths[name].read_bytes()
        code = lzma.decompress(raw) if paths[name].suffix == ".xz" else raw
        depends = _DEPENDS.search(code)
        for needed in depends[1].decode().split(",") if depends and depends[1] else ():
            add(_plain(needed))
        found[name] = code

    for name in names:
        add(_plain(name))
    return found


def initramfs(init: bytes, busybox: bytes, modules: dict[str, bytes]) -> bytes:
    """Return the archive."""
    entries = [(name, 0o40755, b"", (0, 0)) for name in FOLDERS]
    entries.append(("dev/console", 0o20600, b"", (5, 1)))
    entries += [("bin/busybox", 0o100755, busybox, (0, 0)), ("init", 0o100755, init, (0, 0))]
    entries += [(f"modules/{name}.ko", 0o100644, code, (0, 0)) for name, code in modules.items()]
    order = "".join(f"{name}\n" for name in modules).encode()
    entries += [("modules/order", 0o100644, order, (0, 0)), ("TRAILER!!!", 0, b"", (0, 0))]
    archive = b"".join(_entry(number, *entry) for number, entry in enumerate(entries, start=1))
    return gzip.compress(archive, 1)


def _entry(number: int, name: str, mode: int, data: bytes, device: tuple[int, int]) -> bytes:
    path = name.encode() + b"\0"
    fields = (number, mode, 0, 0, 1, 0, len(data), 0, 0, *device, len(path), 0)
    return _padded(b"070701" + b"".join(b"%08x" % field for field in fields) + path) + _padded(data)


def _padded(data: bytes) -> bytes:
    return data + bytes(-len(data) % 4)


def _plain(name: str) -> str:
    return name.replace("-", "_")
