"""What the shipped program is hardened by, read from the program itself: a flag that is given and has no effect protects
nobody."""

import platform
import re
import subprocess

import pytest

from tree import RELEASE

x86_64 = pytest.mark.skipif(platform.machine() != "x86_64", reason="this machine's instructions are others")
PAGE = 4096


def read(*argv):
    return subprocess.run([*argv, RELEASE], check=True, capture_output=True, text=True).stdout


@pytest.fixture(scope="module")
def segments():
    """(type, flags, the sections in it), in order."""
    text = read("readelf", "--segments", "--wide")
    heads = re.findall(r"^ +([A-Z_]+) +0x\w+ 0x\w+ 0x\w+ 0x\w+ 0x\w+ ([R ][W ][E ])", text, re.M)
    inside = re.findall(r"^   (\d\d) +(.*)$", text, re.M)
    assert len(heads) == len(inside) > 0
    return [(kind, flags.replace(" ", ""), sections.split()) for (kind, flags), (_, sections) in zip(heads, inside)]


@pytest.fixture(scope="module")
def dynamic():
    """{tag: value} of the dynamic section."""
    return dict(re.findall(r"^ 0x\w+ \((\w+)\) +(.*)$", read("readelf", "--dynamic", "--wide"), re.M))


@pytest.fixture(scope="module")
def imported():
    return set(re.findall(r" UND (\w+)", read("readelf", "--dyn-syms", "--wide")))


@pytest.fixture(scope="module")
def code():
    return read("objdump", "--disassemble", "--no-show-raw-insn", "--section=.text")


def flags_of(segments, kind):
    return [flags for k, flags, _ in segments if k == kind]


def test_it_is_loaded_anywhere(dynamic):
    assert "PIE" in dynamic["FLAGS_1"]
    assert "TEXTREL" not in dynamic


def test_all_it_links_to_is_bound_at_the_start_and_read_only_then(segments, dynamic):
    assert "BIND_NOW" in dynamic["FLAGS"] and "NOW" in dynamic["FLAGS_1"]
    (relro,) = (sections for kind, _, sections in segments if kind == "GNU_RELRO")
    assert {".dynamic", ".got"} <= set(relro)
    assert not any(".got.plt" in sections for _, _, sections in segments)


def test_libraries_come_from_where_the_system_has_them(dynamic):
    assert not {"RPATH", "RUNPATH"} & set(dynamic)


def test_no_memory_can_be_both_written_and_run(segments):
    assert flags_of(segments, "GNU_STACK") == ["RW"]
    loaded = flags_of(segments, "LOAD")
    assert len(loaded) > 1 and not [flags for flags in loaded if {"W", "E"} <= set(flags)]


def test_no_data_can_be_run(segments):
    (run,) = (sections for kind, flags, sections in segments if kind == "LOAD" and "E" in flags)
    assert set(run) <= {".init", ".plt", ".plt.got", ".plt.sec", ".text", ".fini"}


def test_an_overrun_on_the_stack_is_found(imported):
    assert "__stack_chk_fail" in imported


def test_sizes_are_checked_that_only_the_running_program_knows(imported):
    """Level 2 checks what the compiler knows the size of: here no memcpy at all."""
    assert {"__memcpy_chk", "__snprintf_chk"} <= imported


@x86_64
def test_no_frame_leaps_over_the_page_that_guards_the_stack(code):
    steps = [(int(size, 16), following) for size, following in re.findall(r"sub +\$0x(\w{1,8}),%rsp\n.*?\t(\w+)", code)]
    assert steps
    assert [step for step in steps if step[0] > PAGE or step[0] == PAGE and step[1] != "orq"] == []
