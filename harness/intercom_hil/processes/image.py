"""Container images: made here, because no registry may be assumed.

``image.toml`` is the recipe of the one with every native tool in it. A recipe becomes a tag that the engine's
store holds. On a Debian machine an image is bootstrapped from the packages of the mirror that the machine
itself is set up with; elsewhere it is built on a base from the registry that the engine is set up with. The
file system is kept as a tar in the cache folder, so that an emptied engine store costs seconds, not minutes.
Any number of benches may ask at once.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import shutil
import time
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from intercom_hil.errors import BenchError
from intercom_hil.processes.command import INTERVAL, Progress, on_terminal, run, run_with_progress
from intercom_hil.processes.engine import (
    PACKAGES,
    Engine,
    EngineKind,
    apt_install,
    cache_folder,
    may_install,
)
from intercom_hil.processes.owner_labels import as_environment, own_labels

RECIPE = Path(__file__).with_suffix(".toml")
BUILD_WITHIN = 1800.0
"""Seconds one step of making the image may take; 35 s for 383 MB is usual with a near mirror."""


@dataclass(frozen=True)
class Recipe:
    """What the image is made of; see ``image.toml`` for the meaning of each field."""

    suite: str
    base: str
    packages: tuple[str, ...]
    excluded: tuple[str, ...]
    removed: tuple[str, ...]
    digest: str
    python: str = ""
    """The version of Python in it that ``wheels`` are for, such as ``3.11``."""
    wheels: tuple[str, ...] = ()
    """What that Python is given besides: see `intercom_hil.processes.wheels`."""

    @classmethod
    def load(cls, path: Path = RECIPE) -> Recipe:
        """Read a recipe. Raises BenchError if the file is none."""
        try:
            text = path.read_bytes()
            fields = tomllib.loads(text.decode())
            lists = {name: tuple(map(str, fields[name])) for name in ("packages", "excluded", "removed")}
            return cls(
                suite=str(fields["suite"]),
                base=str(fields["base"]),
                digest=hashlib.sha256(text).hexdigest()[:12],
                python=str(fields.get("python", "")),
                wheels=tuple(map(str, fields.get("wheels", ()))),
                **lists,
            )
        except (OSError, ValueError, KeyError, TypeError) as problem:
            raise BenchError(f"no image recipe: {problem!r}", str(path), "restore the file") from None

    @property
    def tag(self) -> str:
        """The image's name in the engine's store."""
        return f"localhost/intercom-hil:{self.digest}"


def ready_engine(
    progress: Progress, *, afresh: bool = False, kind: EngineKind = "auto", recipe: Recipe | None = None
) -> tuple[Engine, str]:
    """Return an engine that is known to run containers, and the tag of the bench's image or another one.

    What is missing is installed, made and tried out; where everything is there this takes some 30 ms.

    Args:
        progress: called with what is being done, where it takes long.
        afresh: probe the engine again even if it is remembered.
        kind: which engine; ``auto`` takes the first that works.
        recipe: of the image; default: ``image.toml``.

    Raises:
        BenchError: there is no engine, or no image, and none can be had; the remedy says what to do.
    """
    try:
        engine = Engine.find(afresh=afresh, kind=kind)
    except BenchError:
        if kind == "docker" or not may_install():  # what is installed without being asked for is podman
            raise
        apt_install(PACKAGES, progress)
        engine = Engine.find(afresh=True, kind=kind)
    tag = ensure_image(engine, progress, recipe=recipe)
    if not engine.probed:
        engine.probe(tag)
    return engine, tag


def ensure_image(
    engine: Engine, progress: Progress, *, recipe: Recipe | None = None, cache: Path | None = None
) -> str:
    """Return the tag of the image, which is made if the engine's store does not hold it.

    Args:
        engine: whose store.
        progress: is called with what is being done.
        recipe: what it is made of; default: ``image.toml``.
        cache: where the file system's tar is kept; default: the user's cache folder.

    Raises:
        BenchError: it cannot be made.
    """
    recipe, cache = recipe or Recipe.load(), cache or cache_folder()
    if engine.has_image(recipe.tag):
        return recipe.tag
    with lock(cache / "image.lock", progress):
        if not engine.has_image(recipe.tag):
            rootfs = cache / f"rootfs-{recipe.digest}.tar"
            if rootfs.exists() or _is_debian():
                if not rootfs.exists():
                    _bootstrap(recipe, rootfs, progress)
                engine.import_image(rootfs, recipe.tag, progress)
            else:
                engine.build_image(containerfile(recipe), recipe.tag, progress)
    return recipe.tag


def containerfile(recipe: Recipe) -> str:
    """Return the recipe as a Containerfile on the base image."""
    options = "-o Acquire::Check-Valid-Until=false -o APT::Install-Recommends=false"
    excluded = "".join(f"path-exclude={path}\\n" for path in recipe.excluded)
    return (
        f"FROM {recipe.base}\n"
        f"RUN printf '{excluded}' > /etc/dpkg/dpkg.cfg.d/slim && apt-get {options} update "
        f"&& DEBIAN_FRONTEND=noninteractive apt-get {options} install -y {' '.join(recipe.packages)} "
        f"&& rm -rf {' '.join(recipe.removed)}\n"
    )


def _bootstrap(recipe: Recipe, rootfs: Path, progress: Progress) -> None:
    if not shutil.which("mmdebstrap"):
        if not may_install():
            remedy = "as root: apt-get update && apt-get install -y --no-install-recommends mmdebstrap"
            raise BenchError("the container image is made with mmdebstrap, which is missing", "", remedy)
        apt_install(["mmdebstrap"], progress)
    part = rootfs.with_name(f"{rootfs.stem}.part.tar")
    for stale in rootfs.parent.glob("rootfs-*.part.tar"):  # of a bench that was killed: the lock is ours
        stale.unlink()
    argv = ["mmdebstrap", "--variant=minbase", "--aptopt=APT::Install-Recommends false"]
    # A suite that is not released yet can be past the date to which its index says it is valid.
    argv += ["--aptopt=Acquire::Check-Valid-Until false"]
    argv += [f"--dpkgopt=path-exclude={path}" for path in recipe.excluded]
    argv += [f'--customize-hook=rm -rf "$1"{path}' for path in recipe.removed]
    argv += [f"--include={','.join(recipe.packages)}", recipe.suite, str(part), _mirror()]
    try:
        run_with_progress(
            argv,
            f"making the container image (Debian {recipe.suite})",
            progress,
            within=BUILD_WITHIN,
            env={**os.environ, **as_environment(own_labels())},
        )
        part.replace(rootfs)
    finally:
        part.unlink(missing_ok=True)


def _is_debian() -> bool:
    try:
        lines = Path("/etc/os-release").read_text(encoding="utf-8").splitlines()
    except OSError:
        return False
    return "ID=debian" in lines and shutil.which("apt-get") is not None


def _mirror() -> str:
    """Return the address of the Debian mirror this machine itself installs from."""
    argv = [
        "apt-get",
        "indextargets",
        "--format",
        "$(REPO_URI)",
        "Created-By: Packages",
        "Origin: Debian",
        "Component: main",
    ]
    listed = run(argv, within=60.0).stdout.split()
    mirrors = [uri for uri in listed if "security" not in uri]
    if not mirrors:
        raise BenchError(
            "no Debian mirror in apt's settings", "/etc/apt/sources.list", "add one, then: apt-get update"
        )
    return mirrors[0]


@contextlib.contextmanager
def lock(path: Path, progress: Progress) -> Iterator[None]:
    """Hold a lock among all benches of this user; wait, saying so, while another makes the same thing.

    Raises:
        BenchError: another one has held it for too long.
    """
    until, reported = time.monotonic() + BUILD_WITHIN, 0.0
    with path.open("w", encoding="utf-8") as file:
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > until:
                    raise BenchError(
                        "another bench has been making the image for too long", str(path), "end it"
                    ) from None
                if not reported or (on_terminal() and time.monotonic() - reported > INTERVAL):
                    reported = time.monotonic()
                    progress("waiting for another bench that is making the container image")
                time.sleep(0.1)
        yield
