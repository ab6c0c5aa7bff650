"""``python -m respool`` is the `respool` command."""

from .cli import main

main()
