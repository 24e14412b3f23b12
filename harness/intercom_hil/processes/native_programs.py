"""The native programs of a bench: which package has each, how it prints its version, and how old it may be.

In the container image they are new enough by its recipe; on the machine itself they are looked up and asked.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Mapping
from dataclasses import dataclass

from intercom_hil.errors import BenchError
from intercom_hil.processes.command import run

ANSWER_WITHIN = 10.0
"""Seconds a program may take to print its version; 0.05 is usual."""
SYSTEM_FOLDERS = ("/usr/local/sbin", "/usr/sbin", "/sbin")
"""Where distributions put servers, and where the PATH of a user who is not root does not lead."""


@dataclass(frozen=True)
class Tool:
    """One native program.

    Attributes:
        package: what Debian and its relatives call its package.
        ask: program and arguments that make it print its version.
        version: finds the version in what it says.
        oldest: the oldest version that will do, and why an older one will not.
    """

    package: str
    ask: tuple[str, ...]
    version: re.Pattern[str]
    oldest: tuple[int, ...]
    why: str

    @property
    def program(self) -> str:
        """The program's name."""
        return self.ask[0]


def _tool(package: str, *ask: str, says: str, oldest: tuple[int, ...], why: str) -> Tool:
    return Tool(package, ask, re.compile(says + r"(\d+(?:\.\d+)*)"), oldest, why)


ASTERISK = _tool(
    "asterisk",
    "asterisk",
    "-V",
    says=r"Asterisk (?:certified[-/])?",
    oldest=(22,),
    why="the long-term release",
)
SIPP = _tool(
    "sip-tester", "sipp", "-v", says=r"SIPp v", oldest=(3, 7), why="RTP streams as the stations send"
)
TCPDUMP = _tool(
    "tcpdump", "tcpdump", "--version", says=r"tcpdump version ", oldest=(4, 99), why="interface any"
)
OPENSSL = _tool("openssl", "openssl", "version", says=r"OpenSSL ", oldest=(3,), why="TLS 1.3 as tested")
KAMAILIO = _tool(
    "kamailio kamailio-tls-modules",
    "kamailio",
    "-v",
    says=r"version: kamailio ",
    oldest=(5, 6),
    why="TCP as tested",
)
EVERYWHERE = (ASTERISK, SIPP, TCPDUMP, OPENSSL)
"""What every bench runs."""


def search_path() -> str:
    """Return where programs are looked for: PATH, and then the folders of servers."""
    return os.pathsep.join((os.environ.get("PATH", os.defpath), *SYSTEM_FOLDERS))


def environment() -> Mapping[str, str]:
    """Return the variables with which native programs behave alike on every machine.

    Their words and times are read: no translation, no local time.
    """
    return {"PATH": search_path(), "LC_ALL": "C", "TZ": "UTC"}


def checked(tool: Tool) -> str:
    """Return the version of a program on this machine.

    Raises:
        BenchError: it is not there, too old, or says nothing that is understood.
    """
    wanted = ".".join(map(str, tool.oldest))
    remedy = f"install {tool.program} {wanted} or later (Debian: `sudo apt-get install {tool.package}`)"
    remedy += ', or have engine.kind = "auto" use the container image'
    found = shutil.which(tool.program, path=search_path())
    if found is None:
        raise BenchError(f"{tool.program} is not on PATH", tool.program, remedy)
    done = run([found, *tool.ask[1:]], within=ANSWER_WITHIN, env={**os.environ, **environment()})
    said = f"{done.stdout}\n{done.stderr}".strip()
    match = tool.version.search(said)
    if match is None:
        first = said.partition("\n")[0] or f"nothing, with exit status {done.returncode}"
        raise BenchError(f"{found} does not tell its version but: {first}", tool.program, remedy)
    if tuple(map(int, match[1].split("."))) < tool.oldest:
        what = f"{found} is version {match[1]}; wanted is {wanted} or later, for {tool.why}"
        raise BenchError(what, tool.program, remedy)
    return match[1]
