"""Where the tests of supply find what they judge, and how they run make."""

import os
import pathlib
import subprocess

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("DEMO", ROOT / "build/demo-backend")).parent
RELEASE = BUILD / "wskeep"
OF_MAKE = {"MAKEFLAGS", "MFLAGS", "MAKELEVEL", "MAKEOVERRIDES", "BUILD"}  # what a make that is above says to its own


def run(*argv, **how):
    done = subprocess.run(argv, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, **how)
    assert done.returncode == 0, f"{argv}: {done.stdout}"
    return done.stdout


def make(*targets, where, umask=-1, path=None, env=None, **variables):
    """What make printed."""
    env = {name: value for name, value in {**os.environ, **(env or {})}.items() if name not in OF_MAKE}
    if path:
        env["PATH"] = f"{path}:{env['PATH']}"
    return run("make", "-j2", "--no-print-directory", *targets, *(f"{name}={value}" for name, value in variables.items()),
               cwd=where, umask=umask, env=env)


def files(root):
    """{path: mode} of the files below root."""
    return {str(p.relative_to(root)): p.stat().st_mode & 0o7777 for p in root.rglob("*") if not p.is_dir()}
