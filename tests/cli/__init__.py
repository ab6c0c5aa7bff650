"""The `respool` command as a user meets it."""
