"""The manuals: no formatter finds fault with them, and they tell of every option and every setting."""

import json
import os
import re
import subprocess

import pytest

from tree import RELEASE, run

PAGES = ["man1/wskeep.1", "man5/wskeep.conf.5"]


@pytest.fixture
def manuals(install):
    return install(PREFIX="/usr") / "usr/share/man"


@pytest.fixture(params=PAGES)
def page(manuals, request):
    return manuals / request.param


def test_no_formatter_finds_fault(page):
    assert run("mandoc", "-T", "lint", page) == ""
    groff = subprocess.run(["man", "--warnings", "-E", "UTF-8", "-l", "-Tutf8", "-Z", page], check=True, capture_output=True,
                           env={**os.environ, "LC_ALL": "C.UTF-8", "MANROFFSEQ": "", "MANWIDTH": "80"})
    assert groff.stderr == b""


def test_it_is_found_by_its_name_and_told_in_a_line(manuals, page):
    name, section = page.stem, page.suffix[1:]
    assert run("man", "-M", manuals, "-w", section, name).strip() == str(page)
    assert f'"{name} - ' in run("lexgrog", page)


def test_it_has_a_version_and_a_day(page):
    version = run(RELEASE, "--version").strip()
    assert re.match(rf'\.TH {page.stem.upper()} \d \d{{4}}-\d\d-\d\d "{version}"$',
                    next(line for line in page.read_text().splitlines() if line.startswith(".TH")))
    assert not re.search(r"@[A-Z]+@", page.read_text())


def test_it_has_the_options_that_help_has(manuals):
    told = re.findall(r"^ +((?:-\w, )?--\S+(?: [A-Z]{2,})?)", run(RELEASE, "--help"), re.M)
    page = run("mandoc", "-T", "ascii", "-O", "width=120", manuals / "man1/wskeep.1")
    options = re.search(r"^OPTIONS\n(.*?)^\S", re.sub(".\b", "", page), re.M | re.S)[1]
    assert sorted(re.findall(r"^ {7}((?:-\w, )?--\S+(?: [A-Z]{2,})?)", options, re.M)) == sorted(told)


def paths(settings, above=""):
    for name, value in settings.items():
        yield from paths(value, f"{above}{name}.") if isinstance(value, dict) else [above + name]


def test_it_has_every_setting_with_its_default(manuals):
    settings = json.loads(run(RELEASE, "--print-config"))
    page = (manuals / "man5/wskeep.conf.5").read_text()
    sections = re.findall(r"^\.SS (\S+)\n(.*?)(?=^\.S[SH] |\Z)", page, re.M | re.S)
    assert {name for name, _ in sections} == set(paths(settings))
    for name, text in sections:
        for word in ("default: ", "allowed: ", "variable: ", "reload: "):
            assert word in text, name
