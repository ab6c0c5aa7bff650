"""What every private server has in common: a folder, a port that stays, a process, and ways to hurt it."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from abc import ABC, abstractmethod
from pathlib import Path
from typing import Self

from . import _processes
from ._ports import free_port

_START_LIMIT = 60.0
_STOP_LIMIT = 10.0


class ServerMissing(Exception):
    """The programs of this server are not on this machine."""


class Server(ABC):
    """One server process on 127.0.0.1, on a port that it keeps through restarts, with data of its own.

    `start` and `close` are idempotent; a server is a context manager that starts and closes itself.
    """

    kind: str
    stop_signal = signal.SIGTERM

    def __init__(self, directory: Path, *arguments: str) -> None:
        self.directory = directory
        self.arguments = arguments
        self.host = "127.0.0.1"
        self.port = free_port()
        self.log = directory / "log"
        self._process: subprocess.Popen[bytes] | None = None
        self._guard: subprocess.Popen[bytes] | None = None

    @property
    @abstractmethod
    def url(self) -> str:
        """The address a pool helper takes."""

    @classmethod
    @abstractmethod
    def prepare(cls, template: Path) -> None:
        """Fill `template` with what a fresh server's folder holds; done once per session, then copied."""

    @abstractmethod
    def command(self) -> list[str]:
        """The command line that becomes the server, without a fork in between."""

    @abstractmethod
    def answers(self) -> bool:
        """Tell whether a client would be served now; raises OSError or gives False when not."""

    @property
    def pid(self) -> int:
        """The pid of the running server."""
        if self._process is None:
            raise RuntimeError(f"{self.kind} on port {self.port} is not running")
        return self._process.pid

    @property
    def running(self) -> bool:
        """Whether it has been started and not stopped or killed since; a frozen server is running."""
        return self._process is not None

    def start(self) -> None:
        """Start the process and return when it serves clients.

        Raises:
            RuntimeError: it ended or did not answer; the tail of its log is in the message.
        """
        if self._process is not None:
            return
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                self.command(), stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
            )
        self._guard = _processes.guard_process(self.pid)
        self._wait_until_it_answers()

    def stop(self, number: signal.Signals | None = None) -> None:
        """End the process with `number` (default: the fastest orderly signal); killed if that takes 10 s."""
        if self._process is None:
            return
        process = self._process
        process.send_signal(number or self.stop_signal)
        self.thaw()
        try:
            process.wait(_STOP_LIMIT)
        except subprocess.TimeoutExpired:
            _processes.kill(process)
        self._forget()

    def restart(self) -> None:
        """Stop and start on the same port with the same data."""
        self.stop()
        self.start()

    def freeze(self) -> None:
        """Stop the process and its children where they are: ports open, nothing answers."""
        _processes.freeze(self.pid)

    def thaw(self) -> None:
        """Let a frozen server go on."""
        _processes.thaw(self.pid)

    def kill(self) -> None:
        """End the process and its children with SIGKILL: the kernel closes their sockets, no goodbye."""
        if self._process is not None:
            _processes.kill(self._process)
            self._forget()

    def close(self) -> None:
        """Stop and remove the data."""
        self.stop()
        shutil.rmtree(self.directory, ignore_errors=True)

    def __enter__(self) -> Self:
        """Start."""
        self.start()
        return self

    def __exit__(self, *exc: object) -> None:
        """Close."""
        self.close()

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.url}{'' if self.running else ' (not running)'}>"

    def _forget(self) -> None:
        self._process = None
        if self._guard is not None:
            _processes.dismiss(self._guard)
            self._guard = None

    def _wait_until_it_answers(self) -> None:
        deadline = time.monotonic() + _START_LIMIT
        while not self._answers_now():
            if self._process is None or self._process.poll() is not None or time.monotonic() > deadline:
                self.kill()
                raise RuntimeError(f"{self.kind} did not start: {self._tail()}")
            time.sleep(0.01)

    def _answers_now(self) -> bool:
        try:
            return self.answers()
        except OSError:
            return False

    def _tail(self) -> str:
        return self.log.read_text(errors="replace")[-2000:] if self.log.exists() else "no log"


def find_program(name: str, *folders: Path) -> str:
    """Find a server program in `folders`, then on PATH and in the sbin folders.

    Raises:
        ServerMissing: it is nowhere.
    """
    places = [str(folder) for folder in folders] + os.environ.get("PATH", "").split(os.pathsep)
    found = shutil.which(name, path=os.pathsep.join([*places, "/usr/sbin", "/usr/local/sbin"]))
    if found is None:
        raise ServerMissing(f"no program {name!r}")
    return found


def run_quietly(command: list[str]) -> None:
    """Run a preparing command; its output goes into the error if it fails."""
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=120)
    if done.returncode:
        raise RuntimeError(f"{command[0]} failed: {done.stdout[-1000:]} {done.stderr[-1000:]}")
