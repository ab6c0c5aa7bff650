"""Acts at one bytecode of the pool's own code, in the calling thread: an interrupt, a collection."""

from __future__ import annotations

import contextlib
import dis
import functools
import gc
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

import respool

HOME = Path(respool.__file__).parent
NOT_OURS = (str(HOME / "testing"), str(HOME / "simulation"), str(HOME / "cli"))
LOADS_NONE = ("LOAD_CONST", "LOAD_COMMON_CONSTANT")
NO_CODE = ("NOP", "NOT_TAKEN", "PUSH_EXC_INFO", "POP_EXCEPT")

Watcher = Callable[[CodeType, int], None]


class Strike(BaseException):
    """What strikes; not an Exception, as KeyboardInterrupt is not."""


def strike(work: Callable[[], Any], after: int) -> bool:
    """Run some work and interrupt it after so many bytecodes; False: it came to its end before."""
    left = after

    def at(code: CodeType, offset: int) -> None:
        nonlocal left
        if offset not in _uninterruptible(code):
            left -= 1
            if left == -1:
                raise Strike

    # What another test has left to be collected ends elsewhere: a strike in its finalizer would be lost.
    gc.disable()
    try:
        with watching(at):
            work()
    except Strike as struck:
        # Its frames refer to leases and slots: who holds them is told by reference counts.
        struck.__traceback__ = struck.__context__ = None
        return True
    finally:
        gc.enable()
    return False


def collect_at(work: Callable[[], Any], after: int) -> bool:
    """Run some work with a collection after so many bytecodes; False: it came to its end before."""
    left = after

    def at(code: CodeType, offset: int) -> None:
        nonlocal left
        left -= 1
        if left == 0:
            gc.collect()

    with watching(at):
        work()
    return left <= 0


def moments_in(function: str, work: Callable[[], Any]) -> list[int]:
    """Run some work and tell after how many bytecodes `strike` would strike in a function of ours."""
    found = []
    passed = 0

    def at(code: CodeType, offset: int) -> None:
        nonlocal passed
        if offset not in _uninterruptible(code):
            if code.co_qualname == function:
                found.append(passed)
            passed += 1

    with watching(at):
        work()
    return found


def count_bytecodes(work: Callable[[], Any]) -> int:
    """Count the bytecodes that some work takes."""
    count = 0

    def at(code: CodeType, offset: int) -> None:
        nonlocal count
        count += 1

    with watching(at):
        work()
    return count


@contextlib.contextmanager
def watching(at: Watcher) -> Iterator[None]:
    """Call ``at`` before each bytecode of the pool's own code in this thread."""
    _watch(at)
    try:
        yield
    finally:
        _unwatch()


if sys.version_info >= (3, 12):
    # `sys.settrace` reports the bytecodes of a function there only from its second call on.
    _TOOL = 4
    _INSTRUCTION = sys.monitoring.events.INSTRUCTION

    def _watch(at: Watcher) -> None:
        me = threading.get_ident()

        def event(code: CodeType, offset: int) -> Any:
            if not _is_ours(code):
                return sys.monitoring.DISABLE
            if threading.get_ident() == me:
                at(code, offset)
            return None

        sys.monitoring.use_tool_id(_TOOL, "strikes")
        sys.monitoring.register_callback(_TOOL, _INSTRUCTION, event)
        sys.monitoring.restart_events()
        sys.monitoring.set_events(_TOOL, _INSTRUCTION)

    def _unwatch() -> None:
        if sys.monitoring.get_tool(_TOOL) is not None:
            sys.monitoring.set_events(_TOOL, 0)
            sys.monitoring.register_callback(_TOOL, _INSTRUCTION, None)
            sys.monitoring.free_tool_id(_TOOL)

else:

    def _watch(at: Watcher) -> None:
        def local(frame: FrameType, event: str, _: Any) -> Any:
            if event == "opcode":
                at(frame.f_code, frame.f_lasti)
            return local

        def entered(frame: FrameType, event: str, _: Any) -> Any:
            if not _is_ours(frame.f_code):
                return None
            frame.f_trace_opcodes = True
            return local

        sys.settrace(entered)

    def _unwatch() -> None:
        sys.settrace(None)


@functools.cache
def _is_ours(code: CodeType) -> bool:
    """What strikes in a finalizer stays there: the interpreter prints it and goes on."""
    name = code.co_filename
    return name.startswith(str(HOME)) and not name.startswith(NOT_OURS) and code.co_name != "__del__"


@functools.cache
def _uninterruptible(code: CodeType) -> frozenset[int]:
    """Find the bytecodes before which no signal can strike though a trace function can.

    CPython looks for signals after calls, at jumps back and at the start of functions. Between the end of a
    ``with`` block's body and the return of ``__exit__`` there is no such place, on no version, and no handler
    either. At the first and before the last bytecode of an ``except`` block there is none: an exception there
    would leave the handled one in its place for good, with its frames. A NOP stands for a line without code,
    such as ``try:``, a NOT_TAKEN for a jump that was not made.
    """
    found: set[int] = set()
    run: list[int] = []
    for instruction in dis.get_instructions(code):
        name = instruction.opname
        if name in NO_CODE:
            found.add(instruction.offset)
        elif name == "SWAP" or (name in LOADS_NONE and instruction.argval is None):
            run.append(instruction.offset)
        elif len(run) >= 3 and name in ("PRECALL", "CALL"):
            found.update((*run, instruction.offset))
            run = run if name == "PRECALL" else []
        else:
            run = []
    return frozenset(found)
