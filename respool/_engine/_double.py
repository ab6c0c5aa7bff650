"""The double of an exception: what can be remembered for long without keeping anything alive."""

from __future__ import annotations

__all__ = ["double_of"]

_PLAIN = (str, bytes, int, float, type(None))


def double_of(exc: BaseException) -> BaseException | None:
    """Make an exception of the same type that has only plain values; None where its type does not let one.

    No frames, no cause, no context, no connection among its arguments: each would keep alive what was on the
    stack. The exception itself stays as it is, for it may be somebody's cause.
    """
    kind = type(exc)
    try:
        # Not by the class's own ``__init__``: it may ask for more, and do more, than is known here.
        double = kind.__new__(kind, *map(_plain, exc.args))
        vars(double).update({name: value for name, value in vars(exc).items() if isinstance(value, _PLAIN)})
    except Exception:
        return None
    return double


def _plain(value: object) -> object:
    return value if isinstance(value, _PLAIN) else f"<{type(value).__name__}>"
