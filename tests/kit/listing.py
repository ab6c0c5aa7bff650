"""The table of the kit's tests, as the reference page has it."""

from __future__ import annotations

from collections.abc import Iterator

from respool.testing import AdapterTests, AsyncAdapterTests

Kit = type[AdapterTests] | type[AsyncAdapterTests]


def kit_tests(kit: Kit) -> dict[str, tuple[str, ...]]:
    """Give the tests in the order in which pytest runs them, with the abilities and back doors each needs."""
    names = [name for base in reversed(kit.__mro__) for name in vars(base) if name.startswith("test_")]
    return {name: getattr(getattr(kit, name), "needs", ()) for name in names}


def lines() -> Iterator[str]:
    """Give the table's lines."""
    both = {"threads": kit_tests(AdapterTests), "asyncio": kit_tests(AsyncAdapterTests)}
    yield "| test | asks | needs | in |"
    yield "|---|---|---|---|"
    for name in dict.fromkeys([*both["threads"], *both["asyncio"]]):
        colours = [colour for colour, tests in both.items() if name in tests]
        kit: Kit = AdapterTests if "threads" in colours else AsyncAdapterTests
        needs = ", ".join(f"`{need}`" for need in getattr(getattr(kit, name), "needs", ()))
        asks = (getattr(kit, name).__doc__ or "").strip().splitlines()[0].replace("``", "`")
        yield f"| `{name}` | {asks} | {needs} | {'both' if len(colours) == 2 else colours[0]} |"


if __name__ == "__main__":
    print("\n".join(lines()))
