"""A virtual machine whose kernel has simulated GPIO chips and HID boards, for commands of this checkout.

In comes a command; out go its exit status, what it wrote, and files. The kernel is Debian's newest, because
only that has gpio-sim; it is downloaded and unpacked, never installed. The guest runs without KVM, and sees
this machine's files read-only, so it runs the same Python with the same packages.
"""

import contextlib
import fcntl
import hashlib
import os
import platform
import shlex
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from initramfs import initramfs, modules_in_order

from intercom_hil.errors import BenchError
from intercom_hil.processes.command import run
from intercom_hil.processes.engine import cache_folder

SUITE = "forky"
"""The Debian release of the kernel: gpio-sim is a module of Debian's kernels from 7.2 on."""
MODULES = ("gpio-sim", "uhid", "hid-generic", "9pnet_virtio", "9p", "configfs")
INIT = Path(__file__).with_name("guest_init.sh")
DOWNLOAD_WITHIN = 300.0  # s for one step of the download
_UNPACKED = (
    "vmlinuz*",
    "modules.builtin",
    *(f"{m}.ko*" for m in (*MODULES, "hid", "netfs", "9pnet", "dev-sync-probe")),
)
_QEMU = "qemu-system-x86_64"
_KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")

Progress = Callable[[str], None]


class NoGuestError(Exception):
    """This machine cannot have the guest; the text says why."""


@dataclass(frozen=True)
class Outcome:
    """How a command in the guest ended. ``status`` is None if the guest gave none, ``said`` its console."""

    status: int | None
    said: str


@dataclass(frozen=True)
class Guest:
    """Kernel, first file system and emulator, ready to run. Get one with ``ready``."""

    folder: Path

    @classmethod
    def ready(cls, progress: Progress) -> "Guest":
        """Return the guest, which is made if the cache folder does not hold it: some 20 s with a near mirror.

        Raises:
            NoGuestError: it cannot be made here.
        """
        if platform.machine() != "x86_64":
            raise NoGuestError(f"the guest is made for x86_64, not {platform.machine()}")
        folder = cache_folder() / f"gpio-guest-{_digest()}"
        with _lock(folder.with_suffix(".lock")):
            if not folder.exists():
                if not shutil.which("apt-get") or not _KEYRING.exists():
                    raise NoGuestError(
                        "the guest's kernel comes from Debian's packages, and this is no Debian"
                    )
                with tempfile.TemporaryDirectory(dir=folder.parent, prefix="gpio-guest-") as part:
                    try:
                        _make(Path(part), progress)
                    except BenchError as problem:
                        raise NoGuestError(f"the guest cannot be made: {problem}") from problem
                    (Path(part) / "guest").rename(folder)
        return cls(folder)

    def run(self, argv: Sequence[str], *, cwd: Path, out: Path, within: float) -> Outcome:
        """Run a command in the guest.

        Args:
            argv: the command, as it would be run here.
            cwd: the folder to run it in.
            out: a folder that the guest can write, at ``/run/out``.
            within: seconds until the guest is ended.
        """
        command = f"cd {shlex.quote(str(cwd))} && exec {shlex.join(argv)}\n"
        (out / "command").write_text(command)
        process = subprocess.Popen(
            [*self._qemu(), *self._machine(out)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env=self._environment(),
        )
        try:
            said, _ = process.communicate(timeout=within)
        except subprocess.TimeoutExpired:
            process.kill()
            said, _ = process.communicate()
        finally:
            process.kill()
        # a kernel that panics leaves with an even status, and one that was killed with a negative one
        status = process.returncode
        found = (status - 1) // 2 if status > 0 and status % 2 else None
        return Outcome(found, said.decode("utf-8", "backslashreplace"))

    def _machine(self, out: Path) -> list[str]:
        # KVM is left alone: a /dev/kvm that exists need not be one that boots this kernel
        machine = "-machine pc,accel=tcg -cpu Nehalem -m 512 -smp 1 -nodefaults -no-user-config -no-reboot"
        ports = "-display none -serial stdio -serial null -device isa-debug-exit,iobase=0xf4,iosize=4"
        shared = (
            *("-fsdev", "local,id=host,path=/,security_model=none,readonly=on,multidevs=remap"),
            *("-device", "virtio-9p-pci,fsdev=host,mount_tag=host"),
            *("-fsdev", f"local,id=out,path={out},security_model=none"),
            *("-device", "virtio-9p-pci,fsdev=out,mount_tag=out"),
        )
        kernel = ("-kernel", str(self.folder / "vmlinuz"), "-initrd", str(self.folder / "initrd.gz"))
        return [*machine.split(), *ports.split(), *kernel, "-append", "console=ttyS0 quiet panic=-1", *shared]

    def _qemu(self) -> list[str]:
        if installed := shutil.which(_QEMU):
            return [installed]
        share = self.folder / "qemu/usr/share"
        return [
            str(self.folder / "qemu/usr/bin" / _QEMU),
            "-L",
            str(share / "qemu"),
            "-L",
            str(share / "seabios"),
        ]

    def _environment(self) -> dict[str, str]:
        if shutil.which(_QEMU):
            return dict(os.environ)
        library = self.folder / "qemu/usr/lib/x86_64-linux-gnu"
        return {**os.environ, "LD_LIBRARY_PATH": f"{library}:{self.folder / 'qemu/lib/x86_64-linux-gnu'}"}


def _digest() -> str:
    """Return the key of what the guest is made of: this recipe, and whether it brings its own emulator."""
    recipe = b"".join(path.read_bytes() for path in (INIT, Path(__file__).with_name("initramfs.py")))
    recipe += repr((SUITE, MODULES, _UNPACKED, bool(shutil.which(_QEMU)))).encode()
    return hashlib.sha256(recipe).hexdigest()[:12]


def _make(part: Path, progress: Progress) -> None:
    guest, debs = part / "guest", part / "debs"
    for folder in (guest, debs, part / "unpacked"):
        folder.mkdir()
    progress(f"downloading a kernel of Debian {SUITE} that simulates GPIO")
    apt = _Apt(part / "apt", f"deb [signed-by={_KEYRING}] {_mirror()} {SUITE} main\n")
    release = apt.kernel_release()
    kernel = [f"linux-{kind}-{release}" for kind in ("base", "binary", "modules")]
    apt.download([*kernel, "busybox-static"], debs)
    for deb in debs.glob("linux-*.deb"):
        _unpack(deb, part / "unpacked", _UNPACKED)
    _unpack(next(debs.glob("busybox-static_*.deb")), part / "unpacked", ("bin/busybox",))
    modules = part / "unpacked/usr/lib/modules" / release
    found = modules_in_order(modules, MODULES)
    busybox = next((part / "unpacked").rglob("bin/busybox"))
    (guest / "initrd.gz").write_bytes(initramfs(INIT.read_bytes(), busybox.read_bytes(), found))
    shutil.copy(next((part / "unpacked").rglob("vmlinuz*")), guest / "vmlinuz")
    (guest / "kernel").write_text(f"{release}\n")
    if not shutil.which(_QEMU):
        progress("downloading QEMU")
        for deb in _Apt(part / "apt-here").download_with_needs("qemu-system-x86"):
            _run(["dpkg-deb", "-x", str(deb), str(guest / "qemu")])


class _Apt:
    """Debian's package tool with lists and archives of its own; nothing of the machine is changed."""

    def __init__(self, folder: Path, sources: str | None = None) -> None:
        for name in ("lists/partial", "archives/partial"):
            (folder / name).mkdir(parents=True)
        settings = {
            "Dir::State::lists": folder / "lists",
            "Dir::Cache": folder,
            "Dir::Cache::archives": folder / "archives",
            "APT::Sandbox::User": "root",
            "Acquire::Languages": "none",
            "Acquire::Check-Valid-Until": "false",  # a release to come can be past the date of its index
            "Debug::NoLocking": "1",
        }
        if sources is not None:
            (folder / "sources.list").write_text(sources)
            (folder / "status").touch()
            settings |= {
                "Dir::Etc::sourcelist": folder / "sources.list",
                "Dir::Etc::sourceparts": "-",
                "Dir::State::status": folder / "status",
            }
        self._folder = folder
        self._options = [part for key, value in settings.items() for part in ("-o", f"{key}={value}")]
        _run(["apt-get", "-q", *self._options, "update"])

    def kernel_release(self) -> str:
        shown = _run(["apt-cache", *self._options, "show", "--no-all-versions", "linux-image-amd64"])
        depends = next((line for line in shown.splitlines() if line.startswith("Depends:")), "")
        for word in depends.replace(",", " ").split():
            if word.startswith("linux-image-"):
                return word.removeprefix("linux-image-")
        raise BenchError("no kernel is found", f"Debian {SUITE}", "choose a suite that has linux-image-amd64")

    def download(self, packages: Sequence[str], into: Path) -> None:
        _run(["apt-get", "-q", *self._options, "download", *packages], cwd=into)

    def download_with_needs(self, package: str) -> list[Path]:
        options = [*self._options, "-y", "--no-install-recommends", "--download-only"]
        _run(["apt-get", "-q", *options, "install", package])
        return sorted((self._folder / "archives").glob("*.deb"))


def _mirror() -> str:
    """Return the address of the Debian mirror that this machine itself installs from."""
    argv = ["apt-get", "indextargets", "--format", "$(REPO_URI)", "Created-By: Packages", "Origin: Debian"]
    mirrors = [uri for uri in run(argv, within=60.0).stdout.split() if "security" not in uri]
    if not mirrors:
        raise BenchError("no Debian mirror is known", "apt", "add one to apt's sources, then: apt-get update")
    return mirrors[0]


def _unpack(deb: Path, into: Path, patterns: Sequence[str]) -> None:
    archive = subprocess.Popen(["dpkg-deb", "--fsys-tarfile", str(deb)], stdout=subprocess.PIPE)
    with archive:
        # tar's status tells of patterns that match nothing in this package, which is as it should be
        subprocess.run(
            ["tar", "-xC", str(into), "--wildcards", "--no-anchored", *patterns],
            stdin=archive.stdout,
            stderr=subprocess.DEVNULL,
            timeout=DOWNLOAD_WITHIN,
            check=False,
        )


def _run(argv: Sequence[str], cwd: Path | None = None) -> str:
    words = ["env", "-C", str(cwd), *argv] if cwd else argv
    done = run(
        words, within=DOWNLOAD_WITHIN, env={**os.environ, "LC_ALL": "C", "DEBIAN_FRONTEND": "noninteractive"}
    )
    if done.returncode:
        said = " / ".join((done.stderr or done.stdout).strip().splitlines()[-3:])
        raise BenchError(f"failed ({done.returncode}): {said}", " ".join(argv[:1]), "try it by hand")
    return done.stdout


@contextlib.contextmanager
def _lock(path: Path) -> Iterator[None]:
    """Let one process make the guest; others wait for it, which is bounded because its steps are."""
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
