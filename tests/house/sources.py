"""Reads the product's sources: which module imports what, and whether that happens when the program runs."""

from __future__ import annotations

import ast
import functools
from collections.abc import Iterator
from pathlib import Path

import attrs

ROOT = Path(__file__).parents[2]
ADAPTERS = sorted(path.parent.name for path in ROOT.glob("adapters/*/__init__.py"))


@attrs.frozen
class Import:
    """One imported module, and the name taken from it (None for `import module`)."""

    importer: str
    module: str
    name: str | None
    line: int

    @property
    def top(self) -> str:
        """The distribution's import name: `redis` of `redis.retry`."""
        return self.module.partition(".")[0]

    def __str__(self) -> str:
        return f"{self.importer}:{self.line} imports {self.module}{f'.{self.name}' if self.name else ''}"


@functools.cache
def modules() -> dict[str, Path]:
    """Every module of the product by its import name; the template of `respool new` is none of it."""
    homes = [(ROOT, "respool"), *((ROOT / "adapters", name) for name in ADAPTERS)]
    files = [(home, path) for home, package in homes for path in sorted((home / package).rglob("*.py"))]
    return {
        _module_name(path.relative_to(home)): path for home, path in files if "template" not in path.parts
    }


@functools.cache
def imports_of(module: str) -> tuple[Import, ...]:
    """What `module` imports at run time, inside functions too; `if TYPE_CHECKING` is not run."""
    return tuple(_imports(module, ast.parse(modules()[module].read_text())))


def imports_under(*packages: str) -> Iterator[Import]:
    """What the modules of `packages` import at run time."""
    for module in modules():
        if any(module == package or module.startswith(f"{package}.") for package in packages):
            yield from imports_of(module)


def _module_name(path: Path) -> str:
    return ".".join(path.with_suffix("").parts).removesuffix(".__init__")


def _imports(module: str, tree: ast.AST) -> Iterator[Import]:
    for node in _walk_what_runs(tree):
        if isinstance(node, ast.Import):
            yield from (Import(module, alias.name, None, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            source = _absolute(module, node)
            for alias in node.names:
                yield _from(module, source, alias.name, node.lineno)


def _from(module: str, source: str, name: str, line: int) -> Import:
    """`from . import _x` takes a module, not a name."""
    if f"{source}.{name}" in modules():
        return Import(module, f"{source}.{name}", None, line)
    return Import(module, source, name, line)


def _walk_what_runs(tree: ast.AST) -> Iterator[ast.AST]:
    yield tree
    skipped = tree.body if isinstance(tree, ast.If) and "TYPE_CHECKING" in ast.unparse(tree.test) else []
    for child in ast.iter_child_nodes(tree):
        if child not in skipped:
            yield from _walk_what_runs(child)


def _absolute(module: str, node: ast.ImportFrom) -> str:
    if not node.level:
        return node.module or ""
    is_package = modules()[module].name == "__init__.py"
    parts = module.split(".")
    parents = parts[: len(parts) - node.level + is_package]
    return ".".join([*parents, *([node.module] if node.module else [])])
