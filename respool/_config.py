"""The options of a pool: their types, their defaults, and the one place where they are checked."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, TypedDict

import attrs

from ._adapter_checks import PLAIN, colour_of, misfit
from ._scrub import quoted
from ._sizing import Elastic, Fixed

if TYPE_CHECKING:
    from ._events import PoolEvent
    from ._sizing import Sizing

__all__ = [
    "OMITTED",
    "Hygiene",
    "PoolOptions",
    "Settings",
    "Timeouts",
    "check_count",
    "check_names",
    "check_seconds",
    "check_sizes",
    "check_timeout",
    "settings_from",
    "unknown",
]

MOST_BITS = 1023
"""Any int of so many bits is a float as well."""

OMITTED: Any = object()
"""Stands for a ``timeout`` that was not given; None means to wait for ever."""

Hygiene = Literal["session", "transaction", "none"]
"""How thoroughly a shipped adapter cleans a resource between two leases."""


class PoolOptions(TypedDict, total=False):
    """The keyword options of every pool; the reference page gives each default its reason."""

    name: str
    min_size: int
    max_size: int
    timeout: float | None
    max_waiting: int | None
    max_idle: float | None
    max_lifetime: float | None
    max_uses: int | None
    check_after: float
    keepalive: float | None
    order: Literal["lifo", "fifo"]
    fairness: Literal["eventual", "strict"]
    create_timeout: float
    validate_timeout: float
    reset_timeout: float
    destroy_timeout: float
    max_creating: int
    sizing: Sizing | None
    admission: Literal["deadline", "report"] | None
    leak_after: float | None
    on_event: Sequence[Callable[[PoolEvent], object]] | Callable[[PoolEvent], object]


def refuse(option: str, value: object, rule: str) -> ValueError:
    """Build the error for a value out of range: the option, its value and the rule."""
    return ValueError(f"{option} is {quoted(value)}, it must be {rule}")


def check_count(option: str, value: Any, least: int = 0) -> None:
    """Refuse what is no count, or a smaller one than makes sense."""
    if not isinstance(value, int) or isinstance(value, bool):
        raise TypeError(f"{option} is {quoted(value)}, it must be an int")
    if value < least:
        raise refuse(option, value, f"at least {least}")


def _count(least: int) -> Callable[[Any, attrs.Attribute[Any], Any], None]:
    def check(_: Any, option: attrs.Attribute[Any], value: Any) -> None:
        check_count(option.name, value, least)

    return check


def check_seconds(option: str, value: Any, *, zero: bool = True) -> None:
    """Refuse what is no duration: wrong type, NaN, negative, or zero where ``zero`` is False."""
    if not isinstance(value, int | float) or isinstance(value, bool):
        raise TypeError(f"{option} is {quoted(value)}, it must be a number of seconds")
    if isinstance(value, int) and value.bit_length() > MOST_BITS:
        raise ValueError(f"{option} is an int too large for a float, it must be a number of seconds")
    if math.isnan(value) or value < 0 or (value == 0 and not zero):
        raise refuse(option, value, "a number of seconds, " + ("0 or more" if zero else "more than 0"))


def check_timeout(timeout: Any) -> None:
    """Refuse a ``timeout`` that is neither a duration nor None, which waits for ever."""
    if timeout is not None:
        check_seconds("timeout", timeout)


def _seconds(*, zero: bool) -> Callable[[Any, attrs.Attribute[Any], Any], None]:
    def check(_: Any, option: attrs.Attribute[Any], value: Any) -> None:
        check_seconds(option.name, value, zero=zero)

    return check


def _one_of(*allowed: str | None) -> Callable[[Any, attrs.Attribute[Any], Any], None]:
    kinds = tuple(map(type, allowed))

    def check(_: Any, option: attrs.Attribute[Any], value: Any) -> None:
        rule = "one of " + ", ".join(map(repr, allowed))
        if not isinstance(value, kinds):
            raise TypeError(f"{option.name} is {quoted(value)}, it must be {rule}")
        if value not in allowed:
            raise refuse(option.name, value, rule)

    return check


def _text(_: Any, option: attrs.Attribute[Any], value: Any) -> None:
    if not isinstance(value, str):
        raise TypeError(f"{option.name} is {quoted(value)}, it must be a str")


def _or_none(check: Callable[..., None]) -> Any:
    return attrs.validators.optional(check)


def _policy(_: Any, option: attrs.Attribute[Any], value: Any) -> None:
    """Refuse a ``sizing`` that could not be asked: its failures would only be logged."""
    if value is None or isinstance(value, Elastic | Fixed):
        return
    target = getattr(value, "target", None)
    rule = "it must be Elastic(), Fixed() or have a method target(signals)"
    if isinstance(value, type) or not callable(target):
        raise TypeError(f"sizing is {quoted(value)}, {rule}")
    if (colour := colour_of(target)) != PLAIN:
        raise TypeError(f"sizing is {quoted(value)}, whose target is {colour}: {rule}")
    if trouble := misfit(target, None):
        raise TypeError(f"sizing is {quoted(value)}, whose target takes other arguments ({trouble}): {rule}")


def _unheard(listener: Any) -> str:
    """Say why a listener would never hear of anything; empty where it can."""
    if not callable(listener):
        return "every listener must be callable with one event"
    if colour_of(listener) != PLAIN:
        return (
            "a listener is a plain function: nobody awaits what a coroutine function gives, so it would "
            "never run"
        )
    trouble = misfit(listener, None)
    return trouble and f"a listener is called with one event: {trouble}"


def _listeners(value: Any) -> tuple[Any, ...]:
    if not callable(value) and not isinstance(value, Iterable):
        raise TypeError(
            f"on_event is {quoted(value)}, it must be a listener, callable with one event, or several"
        )
    listeners = (value,) if callable(value) else tuple(value)
    for listener in listeners:
        if why := _unheard(listener):
            raise TypeError(f"on_event has {quoted(listener)}, {why}")
    return listeners


@attrs.frozen(kw_only=True)
class Timeouts:
    """How long one adapter call may take, in seconds, per method.

    Helpers hand them to the driver as well, so that most hung calls end by themselves.
    """

    create: float = attrs.field(default=10.0, validator=_seconds(zero=False))
    validate: float = attrs.field(default=2.0, validator=_seconds(zero=False))
    reset: float = attrs.field(default=5.0, validator=_seconds(zero=False))
    destroy: float = attrs.field(default=5.0, validator=_seconds(zero=False))

    @classmethod
    def of(cls, options: Mapping[str, Any]) -> Timeouts:
        """Pick the four phase timeouts (``create_timeout`` and so on) out of a pool's options."""
        given = {
            phase.name: options[f"{phase.name}_timeout"]
            for phase in attrs.fields(cls)
            if f"{phase.name}_timeout" in options
        }
        for phase_name, value in given.items():
            check_seconds(f"{phase_name}_timeout", value, zero=False)
        return cls(**given)


@attrs.frozen(kw_only=True, eq=False, repr=False)
class Settings:
    """A pool's options after validation; one field per option, plus which of them were given."""

    name: str = attrs.field(default="", validator=_text)
    min_size: int = attrs.field(default=0, validator=_count(0))
    max_size: int = attrs.field(default=10, validator=_count(0))
    timeout: float | None = attrs.field(default=30.0, validator=_or_none(_seconds(zero=True)))
    max_waiting: int | None = attrs.field(default=None, validator=_or_none(_count(0)))
    max_idle: float | None = attrs.field(default=None, validator=_or_none(_seconds(zero=False)))
    max_lifetime: float | None = attrs.field(default=3600.0, validator=_or_none(_seconds(zero=False)))
    max_uses: int | None = attrs.field(default=None, validator=_or_none(_count(1)))
    check_after: float = attrs.field(default=0.5, validator=_seconds(zero=True))
    keepalive: float | None = attrs.field(default=None, validator=_or_none(_seconds(zero=False)))
    order: str = attrs.field(default="lifo", validator=_one_of("lifo", "fifo"))
    fairness: str = attrs.field(default="eventual", validator=_one_of("eventual", "strict"))
    create_timeout: float = attrs.field(default=10.0, validator=_seconds(zero=False))
    validate_timeout: float = attrs.field(default=2.0, validator=_seconds(zero=False))
    reset_timeout: float = attrs.field(default=5.0, validator=_seconds(zero=False))
    destroy_timeout: float = attrs.field(default=5.0, validator=_seconds(zero=False))
    max_creating: int = attrs.field(default=8, validator=_count(1))
    sizing: Sizing | None = attrs.field(default=None, validator=_policy)
    admission: str | None = attrs.field(default="deadline", validator=_one_of("deadline", "report", None))
    leak_after: float | None = attrs.field(default=None, validator=_or_none(_seconds(zero=True)))
    on_event: tuple[Callable[[PoolEvent], object], ...] = attrs.field(default=(), converter=_listeners)
    noun: str = attrs.field(default="resource", validator=_text)
    """What the pool's errors call a resource; from the adapter, no option."""
    given: frozenset[str] = frozenset()

    def __attrs_post_init__(self) -> None:
        """Refuse options that contradict each other."""
        check_sizes(self.min_size, self.max_size, self.sizing)
        # A later `resize` may go below a fixed size and come back, as one that wakes a dormant pool does.
        if isinstance(self.sizing, Fixed) and 0 < self.max_size < (self.sizing.size or 0):
            most = f"its size must be at most max_size, which is {self.max_size}"
            raise ValueError(f"sizing is {self.sizing!r}, {most}")


def check_sizes(min_size: int, max_size: int, sizing: Sizing | None = None) -> None:
    """Refuse sizes that are no counts, or a floor above the cap or above a fixed size."""
    check_count("min_size", min_size)
    check_count("max_size", max_size)
    if min_size > max_size:
        raise refuse("min_size", min_size, f"at most max_size, which is {max_size}")
    if isinstance(sizing, Fixed) and sizing.size is not None and min_size > sizing.size:
        raise refuse("min_size", min_size, f"at most {sizing.size}, as sizing is {sizing!r}")


def unknown(given: str, known: Sequence[str], what: str = "option") -> TypeError:
    """Build the error for an unknown option, with a guess at what was meant."""
    import difflib  # late: needed only where a name is wrong

    near = difflib.get_close_matches(given, known, n=1)
    hint = f", did you mean {near[0]!r}?" if near else f"; the options are {', '.join(sorted(known))}"
    return TypeError(f"unknown {what} {given!r}{hint}")


def check_names(options: Iterable[str], own: Callable[[], Sequence[str]]) -> None:
    """Refuse an option that there is not.

    Args:
        options: The names that were given.
        own: Gives what the maker of the pool takes by keyword beside its options, for the guess: a helper
            hands on whatever it does not know itself.

    Raises:
        TypeError: With a guess at what was meant.
    """
    known = PoolOptions.__annotations__
    for option in options:
        if option in known:
            continue
        if option in own():
            raise TypeError(f"unknown option {option!r}: it is an argument of the adapter, not of the pool")
        raise unknown(option, [*known, *own()])


def settings_from(
    options: Mapping[str, Any],
    *,
    noun: str = "resource",
    default_name: Callable[[], str] = lambda: "pool",
    own: Callable[[], Sequence[str]] = tuple,
) -> Settings:
    """Validate a pool's options; ``default_name`` is asked if they name none, ``own`` is for `check_names`.

    Raises:
        TypeError: For an unknown option (with a did-you-mean) or a value of the wrong type.
        ValueError: For a value out of range; names the option, the value and the rule.
    """
    check_names(options, own)
    settings = Settings(**options, noun=noun, given=frozenset(options))
    return settings if settings.name else attrs.evolve(settings, name=default_name())
