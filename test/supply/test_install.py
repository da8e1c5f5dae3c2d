"""`make install` and `make uninstall`, from the tarball, without git."""

import pytest

from tree import ROOT, files, run

UNIT = "lib/systemd/system/wskeep.service"
EXAMPLES = {f"share/doc/wskeep/examples/{p.name}": 0o644 for p in ROOT.glob("conf/*.conf")}
INSTALLED = {"bin/wskeep": 0o755, "share/man/man1/wskeep.1": 0o644, "share/man/man5/wskeep.conf.5": 0o644, UNIT: 0o644, **EXAMPLES}
CONF = "etc/wskeep/wskeep.conf"


def below(prefix, names):
    return {f"{prefix}/{name}": mode for name, mode in names.items()}


def test_a_local_installation_stays_below_usr_local(install):
    assert files(install()) == below("usr/local", {**INSTALLED, CONF: 0o644})


def test_a_system_installation_has_its_conf_in_etc(install):
    assert files(install(PREFIX="/usr")) == {**below("usr", INSTALLED), CONF: 0o644}


def test_folders_can_be_walked_by_everyone(install):
    assert {p.stat().st_mode & 0o777 for p in (install() / "usr/local").rglob("*") if p.is_dir()} == {0o755}


def test_each_folder_can_be_chosen(install):
    root = install(bindir="/b", sysconfdir="/c", mandir="/m", docdir="/d", unitdir="/u")
    assert {name.split("/")[0] for name in files(root)} == {"b", "c", "m", "d", "u"}
    for text in (p.read_text() for p in (root / "m/man1/wskeep.1", root / "u/wskeep.service")):
        assert "/c/wskeep/wskeep.conf" in text and "/etc" not in text and "/usr/bin" not in text


@pytest.mark.parametrize("prefix", ["/usr", "/usr/local", "/opt/wskeep"])
def test_the_manual_and_the_unit_name_the_paths_that_are_there(install, prefix):
    root = install(PREFIX=prefix)
    conf = "/etc/wskeep/wskeep.conf" if prefix == "/usr" else f"{prefix}/etc/wskeep/wskeep.conf"
    manual = (root / f".{prefix}/share/man/man1/wskeep.1").read_text()
    assert f"\n.I {conf}\n" in manual and f"\n.I {prefix}/share/doc/wskeep/examples\n" in manual
    assert f"\nExecStart={prefix}/bin/wskeep -c {conf}\n" in (root / f".{prefix}" / UNIT).read_text()


def test_what_is_installed_runs_on_the_conf_that_is_installed(install):
    root = install(PREFIX="/usr")
    defaults = run(root / "usr/bin/wskeep", "--print-config")
    assert run(root / "usr/bin/wskeep", "-c", root / CONF, "--print-config") == defaults


def test_a_conf_file_that_was_changed_outlives_installing_and_uninstalling(install):
    conf = install(PREFIX="/usr") / CONF
    conf.write_text('{"workers": 2}')
    assert install(PREFIX="/usr") / CONF == conf and conf.read_text() == '{"workers": 2}'
    assert files(install("uninstall", PREFIX="/usr")) == {CONF: 0o644}


@pytest.mark.parametrize("prefix", ["/usr", "/usr/local"])
def test_uninstalling_leaves_nothing_of_it(install, prefix):
    root = install(PREFIX=prefix)
    assert files(root)
    install("uninstall", PREFIX=prefix)
    assert not files(root) and not list(root.rglob("wskeep"))


def test_uninstalling_what_is_not_there_is_no_error(install):
    assert files(install("uninstall")) == {}
