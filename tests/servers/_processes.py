"""A process and its children by number: freeze, thaw and kill them all; and guards that outlive the suite."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from pathlib import Path

# A guard waits until the suite's end of its pipe closes, in whatever way the suite ended. `PDEATHSIG` would
# not do: it fires when the *thread* that started the server ends, and a new user namespace clears it.
_KILL = 'read _; kill -KILL "$1" $(cat /proc/"$1"/task/*/children)'
_REMOVE = 'read _; sleep 1; rm -rf "$1"'


def family(pid: int) -> list[int]:
    """List `pid` and everything that descends from it, parents first."""
    found = [pid]
    for parent in found:
        found += _children(parent)
    return found


def freeze(pid: int) -> None:
    """Stop `pid` and its children, and return when none of them can run another instruction."""
    frozen: set[int] = set()
    while fresh := [each for each in family(pid) if each not in frozen]:
        for each in fresh:
            _send(each, signal.SIGSTOP)
            _wait_for_state(each, "TtZX")
            frozen.add(each)


def thaw(pid: int) -> None:
    """Let `pid` and its children run again."""
    for each in family(pid):
        _send(each, signal.SIGCONT)


def kill(process: subprocess.Popen[bytes]) -> None:
    """End a process and its children with SIGKILL, frozen ones too, and return when all of them are gone."""
    freeze(process.pid)
    doomed = family(process.pid)
    for each in doomed:
        _send(each, signal.SIGKILL)
    process.wait()
    for each in doomed:
        _wait_for_state(each, "ZX")


def guard_process(pid: int) -> subprocess.Popen[bytes]:
    """Start a shell that kills `pid` and its children when the suite is gone; end it with `dismiss`."""
    return _guard(_KILL, str(pid))


def guard_folder(folder: Path) -> subprocess.Popen[bytes]:
    """Start a shell that removes `folder` a second after the suite is gone; end it with `dismiss`."""
    return _guard(_REMOVE, str(folder))


def dismiss(watcher: subprocess.Popen[bytes]) -> None:
    """Send a guard home before what it watches can belong to somebody else."""
    watcher.kill()
    watcher.wait()
    if watcher.stdin:
        watcher.stdin.close()


def _guard(script: str, argument: str) -> subprocess.Popen[bytes]:
    command, silent = ["/bin/sh", "-c", script, "guard", argument], subprocess.DEVNULL
    return subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=silent, stderr=silent, start_new_session=True
    )


def _children(pid: int) -> list[int]:
    """Read the children of every thread: MariaDB and Redis fork from whichever thread asks for it."""
    found: list[int] = []
    with contextlib.suppress(FileNotFoundError, ProcessLookupError):  # gone, or a thread of it is
        for thread in os.listdir(f"/proc/{pid}/task"):
            found += map(int, Path(f"/proc/{pid}/task/{thread}/children").read_text().split())
    return found


def _send(pid: int, number: signal.Signals) -> None:
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        pass


def _state(pid: int) -> str:
    """Give the one-letter state of a process, X when there is none."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return "X"


def _wait_for_state(pid: int, states: str) -> None:
    deadline = time.monotonic() + 10
    while (state := _state(pid)) not in states:
        if time.monotonic() > deadline:
            raise TimeoutError(f"process {pid} is in state {state}, wanted one of {states}")
        time.sleep(0.001)
