"""Runs the command, in this process where that is enough, else in its own, with or without a terminal."""

from __future__ import annotations

import contextlib
import fcntl
import os
import pty
import select
import signal
import struct
import subprocess
import sys
import termios
from time import monotonic
from typing import Any

from click.testing import CliRunner, Result

from respool.cli._main import cli

COMMAND = [sys.executable, "-m", "respool.cli"]
HANG = 60.0
"""Longer than anything here takes, s."""


def respool(*args: str) -> Result:
    """Run the command in this process."""
    return CliRunner().invoke(cli, args, prog_name="respool")


def process(*args: str, **facts: Any) -> subprocess.CompletedProcess[str]:
    """Run the command as a process, without a terminal."""
    return subprocess.run(
        [*COMMAND, *args], capture_output=True, text=True, timeout=HANG, check=False, **facts
    )


class Terminal:
    """The command on a terminal of 90 columns."""

    def __init__(self, *args: str) -> None:
        self._ours, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 90, 0, 0))
        env = {**os.environ, "TERM": "xterm-256color"}
        for name in ("NO_COLOR", "FORCE_COLOR", "COLUMNS", "LINES", "TTY_COMPATIBLE", "TTY_INTERACTIVE"):
            env.pop(name, None)
        self._process = subprocess.Popen(
            [*COMMAND, *args], stdin=theirs, stdout=theirs, stderr=theirs, env=env, start_new_session=True
        )
        os.close(theirs)
        self.text = ""

    def read_until(self, wanted: str) -> None:
        """Read what it writes until something appears."""
        deadline = monotonic() + HANG
        while wanted not in self.text:
            assert monotonic() < deadline, f"no {wanted!r} in {self.text!r}"
            if not self._read():
                raise AssertionError(f"it ended without {wanted!r}: {self.text!r}")

    def interrupt(self) -> None:
        """Press Ctrl-C."""
        self._process.send_signal(signal.SIGINT)

    def end(self) -> int:
        """Read the rest and give the exit status."""
        while self._read():
            pass
        os.close(self._ours)
        return self._process.wait(HANG)

    def _read(self) -> bool:
        readable, _, _ = select.select([self._ours], [], [], HANG)
        assert readable, f"silence after {self.text!r}"
        data = b""
        with contextlib.suppress(OSError):  # EIO: the other end is closed
            data = os.read(self._ours, 65536)
        self.text += data.decode(errors="replace")
        return bool(data)
