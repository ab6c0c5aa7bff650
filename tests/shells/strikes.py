"""Raises an exception at one bytecode of the pool's own code, in the calling thread, as an interrupt does."""

from __future__ import annotations

import dis
import functools
import sys
from collections.abc import Callable
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

import respool

HOME = Path(respool.__file__).parent
NOT_OURS = (str(HOME / "testing"), str(HOME / "simulation"), str(HOME / "cli"))


class Strike(BaseException):
    """What strikes; not an Exception, as KeyboardInterrupt is not."""


def strike(work: Callable[[], Any], after: int) -> bool:
    """Run some work and interrupt it after so many bytecodes; False: it came to its end before."""
    left = after

    def local(frame: FrameType, event: str, _: Any) -> Any:
        nonlocal left
        if event == "opcode" and frame.f_lasti not in _uninterruptible(frame.f_code):
            left -= 1
            if left < 0:
                sys.settrace(None)
                raise Strike
        return local

    def entered(frame: FrameType, event: str, _: Any) -> Any:
        # What strikes in a finalizer stays there: the interpreter prints it and goes on.
        if not _is_ours(frame.f_code.co_filename) or frame.f_code.co_name == "__del__":
            return None
        frame.f_trace_opcodes = True
        return local

    sys.settrace(entered)
    try:
        work()
    except Strike as struck:
        # Its frames refer to leases and slots: who holds them is told by reference counts.
        struck.__traceback__ = struck.__context__ = None
        return True
    finally:
        sys.settrace(None)
    return False


def _is_ours(filename: str) -> bool:
    return filename.startswith(str(HOME)) and not filename.startswith(NOT_OURS)


@functools.cache
def _uninterruptible(code: CodeType) -> frozenset[int]:
    """Find where a ``with`` block calls ``__exit__``, after its body.

    CPython looks for signals after calls, at jumps back and at the start of functions. Between the body's
    last instruction and the return of ``__exit__`` there is no such place, on no version, and no handler
    either: an exception that a trace function raises there is one that no signal could. The same holds for
    a NOP, which stands for a line without code, such as ``try:``.
    """
    found: set[int] = set()
    run: list[int] = []
    for instruction in dis.get_instructions(code):
        name = instruction.opname
        if name == "NOP":
            found.add(instruction.offset)
        elif name == "SWAP" or (name == "LOAD_CONST" and instruction.argval is None):
            run.append(instruction.offset)
        elif len(run) >= 3 and name in ("PRECALL", "CALL"):
            found.update((*run, instruction.offset))
            run = run if name == "PRECALL" else []
        else:
            run = []
    return frozenset(found)
