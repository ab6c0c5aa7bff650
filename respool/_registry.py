"""Pools by URL: the scheme is the name of an entry point in the group ``respool.adapters``."""

from __future__ import annotations

import difflib
import re
from collections.abc import Awaitable, Callable
from importlib import import_module
from typing import TYPE_CHECKING, Any

import attrs

from ._config import PoolOptions, Timeouts, unknown
from ._scrub import describe, scrub
from ._threads import Pool

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

__all__ = [
    "Backend",
    "ServerLimits",
    "backend_for",
    "entry_points_by_scheme",
    "made",
    "open_pool",
    "split_options",
]

GROUP = "respool.adapters"
SHIPPED = {
    "sqlite": ("respool_sqlite", "respool"),
    "postgres": ("respool_postgres", "respool[postgres]"),
    "postgresql": ("respool_postgres", "respool[postgres]"),
    "mysql": ("respool_mysql", "respool[mysql]"),
    "mariadb": ("respool_mysql", "respool[mysql]"),
    "redis": ("respool_redis", "respool[redis]"),
    "rediss": ("respool_redis", "respool[redis]"),
    "valkey": ("respool_redis", "respool[redis]"),
    "valkeys": ("respool_redis", "respool[redis]"),
}
"""The schemes of the adapters in this distribution, for install hints."""
OWN = ("configure", "connect", "hygiene")
"""What most adapters take beside the pool's options; for the guess at what was meant."""
_REFUSED = re.compile("unexpected keyword argument '(\\w+)'")


@attrs.frozen(kw_only=True)
class ServerLimits:
    """What a server says about itself, for `respool doctor`; None where it does not say or has no limit."""

    version: str
    product: str
    max_connections: int | None = None
    used_connections: int | None = None
    idle_limit: float | None = None
    """Seconds after which the server (or a proxy before it) closes an idle session."""
    lifetime_limit: float | None = None
    """Seconds after which the server closes any session."""
    notes: tuple[str, ...] = ()
    """Further facts that the user should know, one sentence each (behind a proxy, unsupported version)."""


@attrs.frozen(kw_only=True)
class Backend:
    """What a URL scheme stands for: the object behind an entry point of the group ``respool.adapters``.

    Every maker takes the URL and the adapter's own keyword options (``hygiene=``, ``configure=``,
    ``connect=``, ``timeouts=``) and raises ValueError for a URL that it cannot read and TypeError for an
    option that it does not know. Nothing in here may import a driver before a maker is called.
    """

    name: str
    """The backend in one word, as people write it: ``Postgres``."""
    adapter: Callable[..., Any] | None = None
    """Makes the `Adapter` of a URL; None where there is only an asynchronous one."""
    async_adapter: Callable[..., Any] | None = None
    """Makes the `AsyncAdapter` of a URL; None where there is only a blocking one."""
    prepare: Callable[[Any], None] | None = None
    """Set up, once and on one resource, what ``work`` needs (a small table); must be repeatable."""
    work: Callable[[Any], None] | None = None
    """One unit of default work that really reads and writes on a resource, for `respool load`."""
    async_prepare: Callable[[Any], Awaitable[None]] | None = None
    async_work: Callable[[Any], Awaitable[None]] | None = None
    clear: Callable[[Any], None] | None = None
    """Take away, at the end of a load, what ``prepare`` and ``work`` have made; if it raises, that stays."""
    async_clear: Callable[[Any], Awaitable[None]] | None = None
    limits: Callable[[Any], ServerLimits] | None = None
    """Read the server's own limits through one resource, for `respool doctor`."""
    async_limits: Callable[[Any], Awaitable[ServerLimits]] | None = None
    driver: str = ""
    """The distribution that the blocking adapter needs, for install hints: ``psycopg[binary]``."""
    async_driver: str = ""
    extra: str = ""
    """What to install: ``respool[postgres]``."""

    def __attrs_post_init__(self) -> None:
        if self.adapter is None and self.async_adapter is None:
            raise TypeError(f"the {self.name} backend has no adapter, give adapter, async_adapter or both")


def open_pool(url: str, **options: Any) -> Pool[Any]:
    """Open a pool by URL; the scheme names an installed adapter.

    Args:
        url: For example ``sqlite:///app.db`` or ``postgres://user@host/database``.
        **options: The pool's options (`PoolOptions`) and the adapter's own (``hygiene=``, ``connect=`` ...).

    Raises:
        ValueError: Not a URL, or an unknown scheme (with a did-you-mean and what to install).
        TypeError: An unknown option.
        ImportError: The adapter's driver is not installed; says what to install.
    """
    backend = backend_for(url)
    if backend.adapter is None:
        raise TypeError(f"the {backend.name} adapter is for asyncio only, use open_async_pool")
    own, pool_options = split_options(options)
    return Pool(made(backend.adapter, url, own), **pool_options)


def made(make: Callable[..., Any], url: str, own: dict[str, Any]) -> Any:
    """Have a backend make its adapter of a URL, whose scheme it gets in small letters.

    Raises:
        TypeError: An option that it does not know, with a did-you-mean.
    """
    scheme, mark, rest = url.partition("://")
    try:
        return make(scheme.lower() + mark + rest, **own)
    except TypeError as exc:
        # A maker may import its driver before it can say what it takes: it is known when it refuses.
        refused = _REFUSED.search(str(exc))
        if refused is None or refused[1] not in own:
            raise
        raise unknown(refused[1], [*PoolOptions.__annotations__, *OWN]) from None


def backend_for(url: str) -> Backend:
    """Load the backend behind a URL's scheme.

    Raises:
        ValueError: Not a URL, an unknown scheme, or one that two packages claim.
        TypeError: The URL is no str, or the entry point's object is no `Backend`.
    """
    if not isinstance(url, str):
        raise TypeError(f"url is {type(url).__name__}, it must be a str such as 'sqlite:///app.db'")
    scheme, separator, _ = url.partition("://")
    if not separator or not scheme:
        raise ValueError(f"url is {scrub(url)!r}, it must be scheme://..., such as 'sqlite:///app.db'")
    whole = scheme.lower()
    scheme, _, driver = whole.partition("+")
    points = entry_points_by_scheme()
    found = points.get(whole) or points.get(scheme, [])
    if driver and scheme in SHIPPED and whole not in points:
        raise ValueError(
            f"the URL scheme {whole!r} names a driver, {driver!r}: write {scheme}://..., "
            "the driver is chosen by the kind of pool"
        )
    if not found:
        raise ValueError(_unknown_scheme(scheme))
    if len(found) > 1:
        claims = " and ".join(sorted(_claim(point) for point in found))
        raise ValueError(f"two packages claim the URL scheme {scheme!r}: {claims}; remove one")
    return _load(found[0])


def _claim(point: EntryPoint) -> str:
    """Name a package as its user knows it, and the object in it."""
    return f"{point.dist.name} ({point.value})" if point.dist is not None else point.value


def _load(point: EntryPoint) -> Backend:
    try:
        backend = point.load()
    except (ImportError, AttributeError) as exc:
        raise ImportError(
            f"the adapter for {point.name!r} cannot be loaded: {_claim(point)}: {describe(exc)}"
        ) from exc
    if not isinstance(backend, Backend):
        raise TypeError(f"{_claim(point)} is {type(backend).__name__}, the entry point must name a Backend")
    return backend


def entry_points_by_scheme() -> dict[str, list[EntryPoint]]:
    """List the installed adapters' entry points by URL scheme; loads none of them."""
    # Imported here: it costs more than the rest of respool together.
    metadata = import_module("importlib.metadata")
    found: dict[str, list[EntryPoint]] = {}
    for point in metadata.entry_points(group=GROUP):
        same = found.setdefault(point.name.lower(), [])
        if all(point.value != other.value for other in same):
            same.append(point)
    return found


def split_options(options: dict[str, Any]) -> tuple[dict[str, Any], PoolOptions]:
    """Tell the adapter's own options from the pool's; the adapter learns the phase timeouts as well."""
    pool_options: PoolOptions = {}
    own: dict[str, Any] = {}
    for name, value in options.items():
        (pool_options if name in PoolOptions.__annotations__ else own)[name] = value  # type: ignore[literal-required]  # just tested
    own.setdefault("timeouts", Timeouts.of(options))
    return own, pool_options


def _unknown_scheme(scheme: str) -> str:
    known = sorted({*entry_points_by_scheme(), *SHIPPED})
    if scheme in SHIPPED:
        return f"no adapter for {scheme!r} is installed; pip install '{SHIPPED[scheme][1]}'"
    near = difflib.get_close_matches(scheme, known, n=1)
    hint = f"did you mean {near[0]!r}?" if near else f"known are {', '.join(known)}"
    return f"unknown URL scheme {scheme!r}: {hint}"
