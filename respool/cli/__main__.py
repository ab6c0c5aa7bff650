"""``python -m respool.cli`` is the `respool` command."""

from . import main

main()
