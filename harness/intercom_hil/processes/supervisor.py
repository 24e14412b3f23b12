"""The leash: starts, watches and ends the native programs of one place, on the bench's word alone.

A place is a container (where this file is process 1) or the host itself. In comes one client, the bench,
over a unix socket, with one JSON object per line: ``start``, ``signal``, ``ping`` and ``shutdown``. Out go
``ready``, ``started``, ``refused``, ``line``, ``exited`` and ``pong``. When the client goes away, for
whatever reason, every program is ended and this one leaves: nothing outlives the bench. When this one is
killed, so are its programs: with process 1 goes its container, and elsewhere the kernel is asked to see to
it. It runs on the standard library alone, on whatever Python 3.11+ the place has.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import re
import selectors
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

CLIENT_WITHIN = 30.0
"""Seconds a freshly started supervisor waits for its client: a bench that died meanwhile never comes."""
GRACE = 1.0
"""Seconds between TERM and KILL when everything is to end."""
LONGEST_LINE = 65536
"""Bytes after which a line is passed on unfinished, so that no program can fill the memory."""
MOST_PENDING = 1 << 20
"""Bytes waiting for the client beyond which programs are no longer read: they block, as on any full pipe."""
LOG_FD = 3
"""Where a program finds its extra stream, ``/dev/fd/3`` (for programs that log to a named file only)."""
APPEND = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
"""A program's id is part of file names."""
PR_SET_PDEATHSIG = 1
"""prctl(2): which signal a process gets when its parent ends."""


class Stream:
    """One output of a program: cut into lines, kept in a file, forwarded if asked for."""

    def __init__(
        self, fd: int, name: str, file: int | None, forward: Callable[[str, bytes], None] | None
    ) -> None:
        self.fd, self.name = fd, name
        self._file, self._forward = file, forward
        self._rest = b""
        os.set_blocking(fd, False)

    def read(self) -> bool:
        """Take what is there. Return False at the end of the stream."""
        try:
            return self._take()
        except BlockingIOError:
            return True

    def drain(self) -> None:
        """Take all that the ended program left in the pipe, an unfinished last line included."""
        with contextlib.suppress(BlockingIOError):
            while self._take():
                pass
        self._pass_on_rest()

    def close(self) -> None:
        """Close pipe and file."""
        os.close(self.fd)
        if self._file is not None:
            os.close(self._file)

    def _take(self) -> bool:
        data = os.read(self.fd, LONGEST_LINE)
        if self._file is not None and data:
            try:
                os.write(self._file, data)
            except OSError:  # a full disk: the program must not end for that, nor all the others
                os.close(self._file)
                self._file = None
        if self._forward:
            *lines, self._rest = (self._rest + data).split(b"\n")
            for line in lines:
                self._forward(self.name, line)
            if not data or len(self._rest) > LONGEST_LINE:
                self._pass_on_rest()
        return bool(data)

    def _pass_on_rest(self) -> None:
        if self._rest and self._forward:
            self._forward(self.name, self._rest)
        self._rest = b""


class Program:
    """A started program: its process, which leads a process group of its own, and its streams."""

    def __init__(self, process: subprocess.Popen[bytes], streams: list[Stream]) -> None:
        self.process = process
        self.streams = streams

    def signal_group(self, number: int) -> None:
        """Send a signal to the program and everything it started."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, number)


class Supervisor:
    """The event loop: one client, its programs, one selector."""

    def __init__(self, client: socket.socket, wake: socket.socket) -> None:
        self._client = client
        self._wake = wake
        self._programs: dict[str, Program] = {}
        self._received = b""
        self._pending = bytearray()
        self._held = False
        self._leaving = self._gone = False
        self._in_child = None if os.getpid() == 1 else follows_its_parent()
        self._selector = selectors.DefaultSelector()
        client.setblocking(False)
        self._selector.register(client, selectors.EVENT_READ)
        self._selector.register(wake, selectors.EVENT_READ)

    def run(self) -> None:
        """Serve the client until it goes, asks for the end, or TERM or INT comes; then end everything."""
        self._send(event="ready", pid=os.getpid(), time=time.time())
        try:
            while not self._leaving:
                self._turn(None)
        finally:
            self._end()

    def _turn(self, timeout: float | None) -> None:
        woken = False
        for key, events in self._selector.select(timeout):
            if key.fileobj is self._wake:
                woken = True
            elif key.fileobj is self._client:
                if events & selectors.EVENT_WRITE:
                    self._flush()
                if events & selectors.EVENT_READ and not self._gone:
                    self._receive()
            else:
                stream: Stream = key.data
                if not self._held and not stream.read():
                    self._selector.unregister(stream.fd)
        if woken:  # last, because it closes streams that this turn may have been asked to read
            self._woken()
        self._hold(len(self._pending) > MOST_PENDING)

    def _woken(self) -> None:
        numbers = self._wake.recv(4096)
        if signal.SIGTERM in numbers or signal.SIGINT in numbers:
            self._leaving = True
        self._reap()

    # -- the client ------------------------------------------------------------------------------------

    def _receive(self) -> None:
        try:
            data = self._client.recv(65536)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self._client_gone()
            return
        *lines, self._received = (self._received + data).split(b"\n")
        for line in lines:
            self._obey(line)

    def _obey(self, line: bytes) -> None:
        name = ""
        try:
            command = json.loads(line)
            verb = command["command"]
            if verb == "shutdown":
                self._leaving = True
                return
            if verb == "ping":
                self._send(event="pong")
                return
            name = str(command["id"])
            if verb == "start":
                self._start(
                    name, command["argv"], command["cwd"], command.get("env") or {}, bool(command["forward"])
                )
            elif verb == "signal":
                if name in self._programs:
                    self._programs[name].process.send_signal(int(command["signal"]))
            else:
                raise ValueError(f"unknown command {verb!r}")
        except OSError as problem:
            self._send(event="refused", id=name, problem=f"{problem.filename or name}: {problem.strerror}")
        except (ValueError, TypeError, LookupError, AttributeError) as problem:
            self._send(event="refused", id=name, problem=f"{type(problem).__name__}: {problem}")

    def _client_gone(self) -> None:
        self._leaving = self._gone = True
        self._pending.clear()
        self._selector.unregister(self._client)

    def _send(self, **event: object) -> None:
        if self._gone:
            return
        self._pending += json.dumps(event).encode() + b"\n"
        self._flush()

    def _flush(self) -> None:
        try:
            while self._pending:
                del self._pending[: self._client.send(self._pending)]
        except BlockingIOError:
            pass  # the selector reports when there is room again
        except OSError:
            self._client_gone()
            return
        wanted = selectors.EVENT_READ | (selectors.EVENT_WRITE if self._pending else 0)
        if self._selector.get_key(self._client).events != wanted:
            self._selector.modify(self._client, wanted)

    def _hold(self, hold: bool) -> None:
        """Stop or resume reading the programs. Watching them while not reading would spin."""
        if hold == self._held:
            return
        self._held = hold
        for program in self._programs.values():
            for stream in program.streams:
                if hold:
                    with contextlib.suppress(KeyError):
                        self._selector.unregister(stream.fd)
                else:
                    self._selector.register(stream.fd, selectors.EVENT_READ, stream)

    # -- the programs ----------------------------------------------------------------------------------

    def _start(self, name: str, argv: list[str], cwd: str, env: dict[str, str], forward: bool) -> None:
        if not NAME.fullmatch(name):
            raise ValueError(f"{name!r} cannot be part of a file name")
        if name in self._programs:
            raise ValueError(f"{name} is running already")
        pipes = {stream: os.pipe() for stream in ("stdout", "stderr", "log")}
        files: dict[str, int] = {}
        try:
            for stream, ending in (("stdout", "out"), ("stderr", "err")):
                files[stream] = os.open(Path(cwd, f"{name}.{ending}"), APPEND, 0o644)
            # The child inherits descriptor 3 as it stands: faster than running code between fork and exec.
            os.dup2(pipes["log"][1], LOG_FD, inheritable=True)
            process = subprocess.Popen(
                argv,
                cwd=cwd,
                env={**os.environ, **env},
                stdin=subprocess.DEVNULL,
                stdout=pipes["stdout"][1],
                stderr=pipes["stderr"][1],
                pass_fds=(LOG_FD,),
                process_group=0,
                preexec_fn=self._in_child,
            )
        except BaseException:
            for fd in (*files.values(), *(reading for reading, _ in pipes.values())):
                os.close(fd)
            raise
        finally:
            for _, writing in pipes.values():
                os.close(writing)
            reserve_log_fd()
        forwarding = (lambda stream, line: self._line(name, stream, line)) if forward else None
        streams = [Stream(pipes[s][0], s, files.get(s), forwarding) for s in pipes]
        self._programs[name] = Program(process, streams)
        self._send(event="started", id=name, pid=process.pid, time=time.time())
        if not self._held:
            for each in streams:
                self._selector.register(each.fd, selectors.EVENT_READ, each)

    def _line(self, name: str, stream: str, line: bytes) -> None:
        text = line.decode("utf-8", "replace").removesuffix("\r")
        self._send(event="line", id=name, stream=stream, text=text, time=time.time())

    def _reap(self) -> None:
        """Collect every ended child, strangers too: as process 1 one inherits all orphans."""
        while True:
            try:
                ended = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
            except ChildProcessError:
                return
            if ended is None:
                return
            found = next(((n, p) for n, p in self._programs.items() if p.process.pid == ended.si_pid), None)
            if found:
                # Now, because the group's number is ours only as long as its leader is unreaped.
                found[1].signal_group(signal.SIGKILL)
            _, status = os.waitpid(ended.si_pid, 0)
            if found:
                self._ended(*found, status)

    def _ended(self, name: str, program: Program, status: int) -> None:
        at = time.time()
        program.process.returncode = os.waitstatus_to_exitcode(status)
        for stream in program.streams:
            with contextlib.suppress(KeyError):
                self._selector.unregister(stream.fd)
            stream.drain()
            stream.close()
        del self._programs[name]
        code = program.process.returncode
        self._send(
            event="exited",
            id=name,
            status=code if code >= 0 else None,
            signal=-code if code < 0 else None,
            time=at,
        )

    def _end(self) -> None:
        for number in (signal.SIGTERM, signal.SIGKILL):
            until = time.monotonic() + GRACE
            for program in self._programs.values():
                program.signal_group(number)
            while self._programs and (left := until - time.monotonic()) > 0:
                self._turn(left)
        if not self._gone:
            self._client.settimeout(GRACE)
            with contextlib.suppress(OSError):
                self._client.sendall(self._pending)


def follows_its_parent() -> Callable[[], None]:
    """Return what a new child has to do in order to be killed when this process ends, however it does.

    It does not reach the child's children, nor programs whose file gives them rights of their own.
    """
    import ctypes  # here: a container's first process has no need of it

    prctl = ctypes.CDLL(None, use_errno=True).prctl
    parent = os.getpid()

    def follow() -> None:
        prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        if os.getppid() != parent:  # it was gone before the kernel was asked
            os._exit(1)

    return follow


def reserve_log_fd() -> None:
    """Keep descriptor 3 taken, so that no file of ours ever gets the number that programs inherit."""
    null = os.open(os.devnull, os.O_RDWR)
    if null != LOG_FD:
        os.dup2(null, LOG_FD, inheritable=False)
        os.close(null)


def wakening() -> socket.socket:
    """Turn the signals that matter into bytes on a socket, so that they arrive in the event loop's order."""
    ours, theirs = socket.socketpair()
    ours.setblocking(False)
    theirs.setblocking(False)
    signal.set_wakeup_fd(theirs.detach())
    for number in (signal.SIGCHLD, signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: None)
    return ours


def accept_one(path: Path, wake: socket.socket) -> socket.socket | None:
    """Wait for the one client. Return None if it does not come in time or the end is asked for."""
    # A relative name: the whole path may be longer than a socket's address can be (108 bytes).
    os.chdir(path.parent)
    with contextlib.suppress(FileNotFoundError):
        os.unlink(path.name)
    with socket.socket(socket.AF_UNIX) as listener, selectors.DefaultSelector() as selector:
        listener.bind(path.name)
        if os.geteuid() == 0:  # in a container run by a daemon one is root, and the bench need not be
            folder = os.stat(".")
            os.chown(path.name, folder.st_uid, folder.st_gid)
        listener.listen(1)
        selector.register(listener, selectors.EVENT_READ)
        selector.register(wake, selectors.EVENT_READ)
        ready = [key.fileobj for key, _ in selector.select(CLIENT_WITHIN)]
        client = listener.accept()[0] if listener in ready else None
        os.unlink(path.name)
    return client


def main(arguments: list[str]) -> None:
    """Serve one client, on the given socket or on the connection that was inherited."""
    inherited = len(arguments) == 2 and arguments[0] == "--inherited"
    if len(arguments) != 1 + inherited:
        sys.exit("usage: supervisor.py SOCKET | --inherited DESCRIPTOR")
    try:
        if inherited:  # moved, because its number may be the one that programs' logs are to have
            moved = fcntl.fcntl(int(arguments[1]), fcntl.F_DUPFD_CLOEXEC, LOG_FD + 1)
        reserve_log_fd()
        wake = wakening()
        if client := socket.socket(fileno=moved) if inherited else accept_one(Path(arguments[0]), wake):
            Supervisor(client, wake).run()
    except (OSError, ValueError) as problem:
        sys.exit(f"supervisor: {problem}")


if __name__ == "__main__":
    main(sys.argv[1:])
