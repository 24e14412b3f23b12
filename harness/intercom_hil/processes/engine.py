"""The container engine: podman or docker, found once, probed once, remembered.

It runs, lists and removes containers; a failure is a `BenchError` that says what to type. An engine's client
on the PATH proves nothing (docker's is often there without its daemon), nor does a version: only a container
that ran does. So a trivial one is run, first as the machine is set up, then, on podman, with the fallbacks
that restricted machines need; what worked is kept in the user's cache folder.

All methods block for as long as the engine takes; asyncio callers use ``asyncio.to_thread``.
"""

from __future__ import annotations

import json
import os
import pwd
import re
import shutil
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from intercom_hil.errors import BenchError
from intercom_hil.processes.command import Progress, run, run_with_progress
from intercom_hil.processes.owner_labels import OWNER, as_environment, being_started, orphaned, own_labels

EngineKind = Literal["auto", "podman", "docker"]
ROLE = "intercom-hil.role"
"""Label: what the container is to the bench (pbx, stations, capture, ...)."""

_NONE_SUCH = re.compile(
    r"no (such )?container|is not running|can only kill running|state improper", re.IGNORECASE
)
"""What podman and docker say when there is nothing to kill or remove."""
RUN_WITHIN = 60.0
"""Seconds a container may take to start; 0.1 to 0.4 is usual, a loaded machine takes longer."""
INSTALL_WITHIN = 900.0
_LOOK_EVERY = 0.02  # s
PACKAGES = ("podman", "runc", "netavark", "aardvark-dns")
"""What a Debian-like machine needs for an engine, recommended packages left out."""
ROOTLESS_PACKAGES = ("uidmap", "mmdebstrap")
"""What it needs besides where the bench's user is not root, and cannot install anything later."""
_IDS = 65536
"""How many user and group ids a user's containers need (subuid(5))."""
FALLBACK = """\
# Written by the bench: what podman needs where the default runtime may not raise limits or lacks cgroups v2.
[engine]
runtime = "runc"
[containers]
default_ulimits = ["nofile=1024:4096", "nproc=4096:4096"]
"""


def cache_folder() -> Path:
    """Return the folder in which the bench remembers what is costly to find out; it is made if needed."""
    base = os.environ.get("XDG_CACHE_HOME", "")
    folder = (Path(base) if os.path.isabs(base) else Path.home() / ".cache") / "intercom-hil"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@dataclass(frozen=True)
class Container:
    """A container as the engine lists it."""

    id: str
    name: str
    labels: Mapping[str, str]


class Engine:
    """One engine, and the settings with which it runs containers here. Get one with `find`."""

    def __init__(self, client: Path, version: str, *, fallback: bool | None, cache: Path) -> None:
        self.client, self.version = client, version
        self._fallback = fallback
        self._cache = cache

    def __str__(self) -> str:
        how = {True: ", runtime runc with limits of its own", False: "", None: ", not probed"}[self._fallback]
        return f"{self.client.name} {self.version}{how}"

    @classmethod
    def find(cls, cache: Path | None = None, *, afresh: bool = False, kind: EngineKind = "auto") -> Engine:
        """Return the engine remembered from last time, or the first that answers.

        Args:
            cache: where it is remembered; default: the user's cache folder.
            afresh: forget what is remembered.
            kind: look for this one only.

        Raises:
            BenchError: none answers.
        """
        cache = cache or cache_folder()
        names = ("podman", "docker") if kind == "auto" else (kind,)
        remembered = None if afresh else _remembered(cache)
        if remembered and remembered.client.name in names:
            return remembered
        problems = []
        for name in names:
            client = shutil.which(name)
            if not client:
                problems.append(f"{name} is not installed")
                continue
            engine = cls(Path(client), "", fallback=None, cache=cache)
            try:
                engine.version = engine._answer()
            except BenchError as problem:
                problems.append(f"{name} does not answer: {problem.what}")
            else:
                return engine
        raise BenchError("; ".join(problems), "container engine", _how_to_install(kind))

    @classmethod
    def remembered(cls, kind: str = "auto") -> Engine | None:
        """Return the engine that ran containers here before, without asking it anything; None if none did."""
        engine = _remembered(cache_folder())
        return engine if engine is not None and kind in ("auto", engine.client.name) else None

    @property
    def probed(self) -> bool:
        """Whether a container is known to run with these settings."""
        return self._fallback is not None

    @property
    def rootless(self) -> bool:
        """Whether its containers have no more rights than this user, who is not root."""
        return self.client.name == "podman" and os.geteuid() != 0

    def probe(self, image: str) -> None:
        """Run a trivial container of an image, find the settings with which that works, and remember them.

        Raises:
            BenchError: it works with none.
        """
        problems = []
        for fallback in (False, True) if self.client.name == "podman" else (False,):
            self._fallback = fallback
            try:
                self._run("run", "--rm", "--network=host", "--pull=never", image, "true")
            except BenchError as problem:
                problems.append(f"{self}: {problem.what}")
            else:
                self._remember()
                return
        self._fallback = None
        remedy = f"make `{self.client.name} run --rm --network=host {image} true` work"
        raise BenchError("no container runs: " + "; ".join(problems), str(self.client), remedy)

    def run_detached(
        self,
        name: str,
        argv: Sequence[str],
        *,
        image: str,
        mounts: Sequence[Path] = (),
        read_only: Sequence[Path] = (),
        labels: Mapping[str, str] | None = None,
        cap_add: Sequence[str] = (),
    ) -> str:
        """Start a container with the host's network, which is removed when it ends, and return its id.

        Args:
            name: unique among the engine's containers.
            argv: its process 1.
            image: what it is made of; it must be in the engine's store.
            mounts: files and folders seen inside at the same path as outside.
            read_only: as ``mounts``, not to be written to.
            labels: on top of those that say whose it is.
            cap_add: Linux capabilities beyond the engine's default, such as ``NET_RAW``.

        Raises:
            BenchError: the engine refused.
        """
        options = [f"--label={key}={value}" for key, value in {**own_labels(), **(labels or {})}.items()]
        options += [f"--volume={path}:{path}" for path in mounts]
        options += [f"--volume={path}:{path}:ro" for path in read_only]
        options += [f"--cap-add={capability}" for capability in cap_add]
        # Where SELinux is on, it would hide the mounts; relabelling the user's folders would be worse.
        options += ["--network=host", "--pull=never", "--security-opt=label=disable", f"--name={name}"]
        return self._run("run", "--detach", "--rm", *options, image, *argv).strip()

    def kill(self, name: str) -> None:
        """Kill a container at once; nothing happens if there is none of that name."""
        self._quietly("kill", name)

    def remove(self, name: str) -> None:
        """Kill and remove a container; nothing happens if there is none of that name."""
        # Podman would first ask it to stop, and wait ten seconds for that; docker kills at once.
        self._quietly("rm", "--force", *(["--time=0"] if self.client.name == "podman" else []), name)

    def containers(self, label: str = OWNER) -> list[Container]:
        """Return the containers, running or not, that carry a label (``key`` or ``key=value``).

        Raises:
            BenchError: the engine refused.
        """
        ids = self._run("ps", "--all", "--quiet", "--no-trunc", "--filter", f"label={label}").split()
        if not ids:
            return []
        # One that has ended since is missing from the answer, and makes the exit status useless.
        form = "{{.Id}} {{.Name}} {{json .Config.Labels}}"
        answer = self._call("inspect", "--type=container", "--format", form, *ids).stdout
        found = []
        for line in answer.splitlines():
            identity, name, labels = line.split(" ", 2)
            found.append(Container(identity, name.removeprefix("/"), json.loads(labels) or {}))
        return found

    def reap(self) -> list[str]:
        """Remove the containers whose bench is gone, and return their names."""
        # A client that was asked before its bench was killed will start one all the same.
        until = time.monotonic() + RUN_WITHIN
        while being_started() and time.monotonic() < until:
            time.sleep(_LOOK_EVERY)
        orphans = [c for c in self.containers() if orphaned(c.labels)]
        for container in orphans:
            self.remove(container.id)
        return [container.name for container in orphans]

    def has_image(self, tag: str) -> bool:
        """Return whether the engine's store holds an image."""
        return self._call("image", "inspect", tag).returncode == 0

    def import_image(self, rootfs: Path, tag: str, progress: Progress) -> None:
        """Make an image of a root file system's tar. Raises BenchError."""
        argv = [str(self.client), "import", str(rootfs), tag]
        env = {**self.environment(), **as_environment(own_labels())}
        run_with_progress(argv, f"importing {tag}", progress, within=INSTALL_WITHIN, env=env)

    def build_image(self, containerfile: str, tag: str, progress: Progress) -> None:
        """Make an image by a Containerfile, with the host's network. Raises BenchError."""
        with tempfile.TemporaryDirectory() as folder:
            Path(folder, "Containerfile").write_text(containerfile, encoding="utf-8")
            argv = [str(self.client), "build", "--network=host", f"--file={folder}/Containerfile"]
            argv += [f"--tag={tag}", folder]
            env = {**self.environment(), **as_environment(own_labels())}
            run_with_progress(argv, f"building {tag}", progress, within=INSTALL_WITHIN, env=env)

    # -- how the client is called ----------------------------------------------------------------------

    def _answer(self) -> str:
        """Return the version of the engine that answers. Raises BenchError when only a client is there."""
        form = "{{.Server.Version}}" if self.client.name == "docker" else "{{.Client.Version}}"
        return self._run("version", "--format", form).strip()

    def environment(self) -> dict[str, str]:
        """Return the variables with which the engine's client works here."""
        if not self._fallback:
            return dict(os.environ)
        conf = self._cache / "containers.conf"
        if not conf.exists():
            part = conf.with_suffix(f".{os.getpid()}")
            part.write_text(FALLBACK, encoding="utf-8")
            part.replace(conf)
        return {**os.environ, "CONTAINERS_CONF": str(conf)}

    def _call(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return run([str(self.client), *arguments], within=RUN_WITHIN, env=self.environment())

    def _run(self, *arguments: str) -> str:
        done = self._call(*arguments)
        if done.returncode:
            problem = " ".join(done.stderr.split()) or f"exit status {done.returncode}"
            raise BenchError(problem, f"{self.client.name} {arguments[0]}")
        return done.stdout

    def _quietly(self, *arguments: str) -> None:
        done = self._call(*arguments)
        problem = " ".join(done.stderr.split())
        if done.returncode and not _NONE_SUCH.search(problem):
            raise BenchError(problem, f"{self.client.name} {' '.join(arguments)}")

    def _remember(self) -> None:
        record = {**_stamp(self.client), "version": self.version, "fallback": self._fallback}
        part = self._cache / f"engine.json.{os.getpid()}"
        part.write_text(json.dumps(record), encoding="utf-8")
        part.replace(self._cache / "engine.json")


def may_install() -> bool:
    """Return whether the machine's package manager is known, and obeys this user."""
    return os.geteuid() == 0 and shutil.which("apt-get") is not None


def apt_install(packages: Sequence[str], progress: Progress) -> None:
    """Install Debian packages, as root. Raises BenchError."""
    env = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for what, argv in (
        ("refreshing the package lists", ["apt-get", "update"]),
        (
            f"installing {', '.join(packages)}",
            ["apt-get", "install", "-y", "--no-install-recommends", *packages],
        ),
    ):
        run_with_progress(argv, what, progress, within=INSTALL_WITHIN, env=env)


def _stamp(client: Path) -> dict[str, object]:
    """Return what distinguishes one installed version of a client from the next, without running it."""
    status = client.stat()
    return {"client": str(client), "size": status.st_size, "modified": status.st_mtime_ns}


def _remembered(cache: Path) -> Engine | None:
    try:
        record = json.loads((cache / "engine.json").read_text(encoding="utf-8"))
        client, version, fallback = Path(record["client"]), record["version"], record["fallback"]
        fresh = all(record[key] == value for key, value in _stamp(client).items())
    except (OSError, ValueError, KeyError, TypeError):
        return None  # nothing remembered, or nothing that makes sense: it is found out again
    if not fresh or not isinstance(version, str) or not isinstance(fallback, bool):
        return None
    return Engine(client, version, fallback=fallback, cache=cache)


def _how_to_install(kind: EngineKind = "auto") -> str:
    if kind == "docker":
        return "install docker and start its daemon, or take another engine.kind in the bench file"
    packages = PACKAGES if os.geteuid() == 0 else (*PACKAGES, *ROOTLESS_PACKAGES)
    if shutil.which("apt-get"):
        install = f"apt-get update && apt-get install -y --no-install-recommends {' '.join(packages)}"
        return f"as root: {install}{_grant_ids()}"
    return "install podman (or docker, and start its daemon), with your system's package manager"


def _grant_ids() -> str:
    """Return the command, to be added to another one, that gives this user ids for containers, or nothing."""
    try:
        user = pwd.getpwuid(os.geteuid())
    except KeyError:
        return ""  # it has no name to give them to
    if user.pw_uid == 0 or all(_has_ids(path, user) for path in ("/etc/subuid", "/etc/subgid")):
        return ""
    first = 1_000_000 + (user.pw_uid % 10_000) * _IDS  # above what useradd gives out
    last = first + _IDS - 1
    return f" && usermod --add-subuids {first}-{last} --add-subgids {first}-{last} {user.pw_name}"


def _has_ids(path: str, user: pwd.struct_passwd) -> bool:
    try:
        lines = Path(path).read_text(encoding="utf-8").splitlines()
    except OSError:
        return False
    return any(line.partition(":")[0] in (user.pw_name, str(user.pw_uid)) for line in lines)
