"""The README's tables of events, of reasons and of the admin's pages are the source's."""

import os
import re

import pytest

from parts.servers import ROOT

pytestmark = pytest.mark.proxy


def calls():
    """Every place of the source that logs: (level, event, its fields). Where the level or the fields are found out at
    run time, all of the file's fields are the event's."""
    for folder, _, files in os.walk(os.path.join(ROOT, "proxy")):
        for name in files:
            with open(os.path.join(folder, name)) as f:
                text = f.read()
            for m in re.finditer(r'\blog_(debug|info|warn|error|write)\(\s*(?:\w+,\s*)?"(\w+)"', text):
                end = text.index(";", m.end())
                of = text if m[1] == "write" else text[m.start():end]
                levels = re.findall(r"\bLOG_(DEBUG|INFO|WARN|ERROR)\b", text) if m[1] == "write" else [m[1]]
                yield levels, m[2], fields_of(of)


def fields_of(text):
    known = {"LOG_REQUEST": "httpRequest", "LOG_TRACE": "trace"}
    return {known.get(m[1]) or m[2] for m in re.finditer(r'\b(LOG_(?:S|STR|U|B|MS|TRACE|REQUEST))\(("\w+")?', text)}


def test_the_readme_knows_every_event_its_levels_and_its_fields():
    found = {}
    for levels, event, fields in calls():
        was = found.setdefault(event, (set(), set()))
        was[0].update(level.lower() for level in levels)
        was[1].update(field.strip('"') for field in fields)
    with open(os.path.join(ROOT, "README.md")) as f:
        rows = re.findall(r"^\| `(\w+)` \| ([a-z ]+) \|([`\w ]*)\| .+ \|$", f.read(), re.M)
    said = {event: (set(levels.split()), set(re.findall(r"`(\w+)`", fields))) for event, levels, fields in rows
            if set(levels.split()) <= {"debug", "info", "warn", "error"}}
    assert said == found
    assert [event for event, *_ in rows if event in said] == sorted(said)


def test_the_readme_knows_every_page_of_the_admin():
    with open(os.path.join(ROOT, "proxy", "admin", "pages.c")) as f:
        pages = re.findall(r'^    \{"(/\S*)", ', f.read(), re.M)
    assert len(pages) >= 4
    with open(os.path.join(ROOT, "README.md")) as f:
        table = f.read().partition("The admin listener (")[2].partition("| path | what |\n|---|---|\n")[2].partition("\n\n")[0]
    assert re.findall(r"^\| `(\S+)` \| .+ \|$", table, re.M) == pages


def test_the_readme_knows_every_reason():
    with open(os.path.join(ROOT, "include", "base", "reason.h")) as f:
        text = re.sub(r'"\s*\\\n\s*"', "", f.read()).replace("\\\n", "")
    reasons = re.findall(r'X\((\w+), "(\w+)", (true|false), (\w+), (\d+), (\d+),\s*"([^"]+)"\)', text)
    assert len(reasons) > 30
    with open(os.path.join(ROOT, "README.md")) as f:
        rows = re.findall(r"^\| `(\w+)` \| (yes|no) \| (\w+) \| (–|\d+), (–|\d+) \| (.+) \|$", f.read(), re.M)
    assert [(label, clean, by, client, backend, why.replace("`", "")) for label, clean, by, client, backend, why in rows] == [
        (label, "yes" if clean == "true" else "no", by.lower(), client if client != "0" else "–", backend if backend != "0" else "–", why)
        for _, label, clean, by, client, backend, why in reasons if label != "none"]
