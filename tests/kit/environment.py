"""A fresh environment to install a package into, beside what these tests run in."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

__all__ = ["HANG", "Environment"]

HANG = 900.0
"""A guard against hanging, s: pip, mypy and a kit of storms take long on a machine that does much else."""


class Environment:
    """A virtual environment of its own, which sees the distributions of this one, respool among them."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        venv.create(folder, with_pip=False, symlinks=True)
        paths = sysconfig.get_paths(vars={"base": str(folder), "platbase": str(folder)})
        # addsitedir and no plain path: an editable respool is known by a .pth file of its own.
        see = f"import site; site.addsitedir({sysconfig.get_paths()['purelib']!r})\n"
        (Path(paths["purelib"]) / "outer.pth").write_text(see)

    def install(self, package: Path) -> None:
        """Build a package from its sources and install it."""
        options = ["--no-deps", "--no-build-isolation", "--no-index", "--no-cache-dir"]
        quiet = ["--quiet", "--disable-pip-version-check"]
        python = str(self._folder / "bin" / "python")
        command = [sys.executable, "-m", "pip", "--python", python, "install", *quiet, *options, str(package)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=HANG)
        assert 0 == done.returncode, done.stdout + done.stderr

    def run(self, *arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
        """Run a module of Python in this environment, away from the checkout."""
        return self._python("-m", *arguments, cwd=cwd)

    def script(self, text: str, *arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
        """Run a text."""
        return self._python("-c", text, *arguments, cwd=cwd)

    def _python(self, *arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
        command = [str(self._folder / "bin" / "python"), "-P", *arguments]
        env = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}
        env.pop("PYTHONPATH", None)
        return subprocess.run(command, cwd=cwd, env=env, capture_output=True, text=True, timeout=HANG)
