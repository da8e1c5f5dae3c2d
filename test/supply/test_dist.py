"""The tarball: the same bytes wherever it is made, and the same program from it as from git."""

import filecmp
import re
import tarfile

import pytest

from tree import BUILD, RELEASE, ROOT, files, make, run


def version_of(program):
    return run(program, "--version").split()[1]


@pytest.fixture
def clone(repository, tmp_path):
    def start(name):
        run("git", "clone", "-q", repository, tmp_path / name)
        return tmp_path / name
    return start


def test_the_tarball_is_the_same_bytes_from_another_clone_of_another_user(tarball, clone, tmp_path):
    (tmp_path / ".gitconfig").write_text("[tar]\n\tumask = user\n")
    one, other = clone("one"), clone("other")
    first = make("dist", "-f", ROOT / "Makefile", where=one, umask=0o022)
    second = make("dist", "-f", ROOT / "Makefile", where=other, umask=0o077, env={"HOME": str(tmp_path), "TZ": "Asia/Tokyo"})
    assert first == second
    assert filecmp.cmp(one / first.split()[-1], other / second.split()[-1], shallow=False)


def test_the_tarball_tells_nothing_of_who_made_it_and_when(tarball):
    assert tarball.read_bytes()[4:8] == bytes(4), "gzip's own time"
    with tarfile.open(tarball) as tar:
        members = tar.getmembers()
    assert {(m.uid, m.gid, m.uname, m.gname) for m in members} == {(0, 0, "root", "root")}
    assert {m.mode for m in members} <= {0o644, 0o755, 0o777}
    assert len({m.mtime for m in members}) == 1
    names = [m.name for m in members if not m.name.endswith("/.version")]
    assert names == sorted(names)


def test_the_tarball_has_one_folder_of_its_name_with_all_that_git_knows(tarball):
    with tarfile.open(tarball) as tar:
        names = {m.name for m in tar.getmembers() if not m.isdir()}
    top = tarball.name.removesuffix(".tar.gz")
    assert names == {f"{top}/{name}" for name in [*run("git", "ls-files", cwd=ROOT).splitlines(), ".version"]}


def test_the_program_is_the_same_bytes_built_from_git_or_from_the_tarball_elsewhere(built):
    for name in ("wskeep", "demo-backend"):
        assert filecmp.cmp(BUILD / name, built / "build" / name, shallow=False), name


def test_the_version_is_the_one_that_git_tells(tarball, built):
    tag = run("git", "describe", "--tags", "--match=v[0-9]*", "--always", "--dirty", cwd=ROOT).strip().removeprefix("v")
    assert version_of(RELEASE) == version_of(built / "build/wskeep") == tag
    assert tarball.name == f"wskeep-{tag}.tar.gz"


def test_a_tag_of_a_release_names_its_tarball_and_its_image_and_other_tags_do_not(clone):
    tree = clone("somebody's")
    run("git", "-c", "user.name=a", "-c", "user.email=a@b", "commit", "-q", "--allow-empty", "-m", "A release", cwd=tree)
    run("git", "tag", "v12.3", cwd=tree)
    run("git", "tag", "very-good", cwd=tree)
    assert make("dist", "-f", ROOT / "Makefile", where=tree).split()[-1] == "build/wskeep-12.3.tar.gz"
    assert "--build-arg VERSION='12.3' " in make("-n", "image", "-f", ROOT / "Makefile", where=tree)


def test_what_is_up_to_date_is_not_built_again(built):
    assert "  " not in make(where=built)


def test_another_version_builds_only_what_tells_it(built):
    tells = {f"build/obj/{name.removesuffix('.c')}.o" for name in files(built)
             if name.startswith("proxy/") and re.search(r"\bWSKEEP_VERSION\b", (built / name).read_text())}
    try:
        told = make(where=built, VERSION="9.9")
        assert set(re.findall(r"^  CC (\S+)", told, re.M)) == tells
        assert version_of(built / "build/wskeep") == "9.9"
    finally:
        make(where=built)


def test_the_compiler_may_be_named_by_several_words(built, tmp_path):
    """As for ccache."""
    make(tmp_path / "needs.stamp", where=built, BUILD=tmp_path, CC="env gcc")
    assert (tmp_path / "needs.stamp").exists()
