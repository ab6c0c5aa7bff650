"""The suite: a package, so that helpers import as `tests.x`."""
