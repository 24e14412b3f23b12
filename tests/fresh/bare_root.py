"""A fresh machine: a bare Debian root, entered in namespaces of its own, with the network of this machine.

What apt and pip need here (proxies, authorities, mirrors) is taken from this machine when the root is made.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from tests.structure.source_tree import ROOT

MAKE_WITHIN = 900.0  # s
PACKAGES = ("python3", "ca-certificates")
USER = "visitor"
CHECKOUT = "intercom-hil"
_OF_THIS_MACHINE = ("etc/pip.conf", "etc/resolv.conf", "etc/hosts", "etc/ssl/certs/ca-certificates.crt")
_SETTINGS = re.compile(r"(?i:\w+_proxy)|PIP_\w+|SSL_CERT_FILE|REQUESTS_CA_BUNDLE|CURL_CA_BUNDLE")
_ENTER = """\
set -e
root=$1; shift
mount --make-rprivate /
mount --rbind "$root" "$root"
mount -t proc proc "$root/proc"
mount --rbind /sys "$root/sys"
mount --rbind /dev "$root/dev"
mount -t tmpfs tmpfs "$root/run"
cd "$root"
mkdir -p .outside
pivot_root . .outside
umount -l .outside
ip link set lo up 2>/dev/null || true
exec "$@"
"""
"""Podman wants its root to be a mount point, and below a chroot there are no user namespaces: pivot_root."""


@dataclass(frozen=True)
class BareRoot:
    """One root, in a folder of this machine."""

    folder: Path

    @classmethod
    def make(cls, suite: str, folder: Path) -> BareRoot:
        """Bootstrap a Debian suite with a user, and put the checkout's last commit into both homes."""
        argv = ["mmdebstrap", "--variant=minbase", f"--include={','.join(PACKAGES)}"]
        argv += ["--aptopt=Acquire::Check-Valid-Until false"]  # a mirror may be a few weeks behind
        subprocess.run([*argv, suite, str(folder), _mirror()], check=True, timeout=MAKE_WITHIN)
        for name in _OF_THIS_MACHINE:
            if Path("/", name).exists():
                folder.joinpath(name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(Path("/", name), folder / name)  # the file that a link leads to
        shutil.copytree("/etc/apt/apt.conf.d", folder / "etc/apt/apt.conf.d", dirs_exist_ok=True)
        made = cls(folder)
        made.run("useradd", "--create-home", USER, check=True)
        for home in ("root", f"home/{USER}"):
            checkout = folder / home / CHECKOUT
            checkout.mkdir()
            archive = subprocess.run(["git", "archive", "HEAD"], cwd=ROOT, check=True, stdout=subprocess.PIPE)
            subprocess.run(["tar", "-x", "-C", str(checkout)], input=archive.stdout, check=True)
        made.run("chown", "-R", f"{USER}:{USER}", f"/home/{USER}", check=True)
        return made

    def run(
        self, *argv: str, user: str = "root", cwd: str = "", check: bool = False, within: float = 600.0
    ) -> subprocess.CompletedProcess[str]:
        """Run a command in the root and return what it said, both streams together.

        Args:
            argv: program and arguments.
            user: who runs it.
            cwd: where, below the user's home.
            check: whether another exit status than 0 is an error.
            within: bound in seconds.
        """
        home = "/root" if user == "root" else f"/home/{user}"
        environment = [f"{name}={value}" for name, value in os.environ.items() if _SETTINGS.fullmatch(name)]
        environment += [f"HOME={home}", "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"]
        enter = ["unshare", "--mount", "--pid", "--fork", "--kill-child", "--ipc", "--uts"]
        inside = ["sh", "-c", 'cd "$0" && exec "$@"', f"{home}/{cwd}", "env", "-i", *environment]
        as_user = ["setpriv", f"--reuid={user}", f"--regid={user}", "--init-groups"] if user != "root" else []
        return subprocess.run(
            [*enter, "sh", "-c", _ENTER, "sh", str(self.folder), *as_user, *inside, *argv],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            timeout=within,
            check=check,
        )


def _mirror() -> str:
    """Return the address of the Debian mirror this machine itself installs from."""
    argv = ["apt-get", "indextargets", "--format", "$(REPO_URI)"]
    argv += ["Created-By: Packages", "Origin: Debian", "Component: main"]
    listed = subprocess.run(argv, capture_output=True, text=True, check=True, timeout=60).stdout.split()
    return next(uri for uri in listed if "security" not in uri)
