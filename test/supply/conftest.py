"""Fixtures of the tests of what is shipped: the tarball, and what was built and installed from it where there is no git."""

import sys

sys.dont_write_bytecode = True  # the tree stays as it is

import pytest

from tree import ROOT, make, run


@pytest.fixture(scope="session")
def repository():
    if not (ROOT / ".git").exists():
        pytest.skip("no git: this is a tarball's tree itself")
    return ROOT


@pytest.fixture(scope="session")
def tarball(repository):
    return repository / make("dist", where=repository).split()[-1]


@pytest.fixture(scope="session")
def unpacked(tarball, tmp_path_factory):
    where = tmp_path_factory.mktemp("unpacked")
    run("tar", "-xf", tarball, "-C", where)
    (tree,) = where.iterdir()
    return tree


@pytest.fixture(scope="session")
def built(unpacked, tmp_path_factory):
    """The unpacked tree, after make. A git that is called there leaves its word."""
    git = tmp_path_factory.mktemp("bin") / "git"
    git.write_text(f'#!/bin/sh\necho "$@" >>{git}.called\nexit 127\n')
    git.chmod(0o755)
    make(where=unpacked, path=git.parent)
    assert not git.with_name("git.called").exists()
    return unpacked


@pytest.fixture
def install(built, tmp_path):
    """install(target, NAME=value…): into an empty tree, whose root is returned. The umask is a careful administrator's."""
    def start(target="install", **variables):
        make(target, where=built, umask=0o077, DESTDIR=tmp_path / "root", **variables)
        return tmp_path / "root"
    return start
