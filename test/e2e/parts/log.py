"""wskeep's log, read strictly: a line that is none of it raises. Text and JSON come out alike."""

import json
import re

LEVELS = {"DEBUG": "debug", "INFO": "info", "WARNING": "warn", "ERROR": "error"}
TIME = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z"
TEXT = re.compile(rf'({TIME}) (debug|info |warn |error) ([a-z_]+)((?: [a-z_]+=(?:"(?:[^"\\]|\\.)*"|[^\s"=\\]+))*)')
FIELD = re.compile(r' ([a-z_]+)=("(?:[^"\\]|\\.)*"|[^\s"=\\]+)')
CLOUD = "logging.googleapis.com/"

# What google.logging.type.HttpRequest has of it: JSON's name, ours in text, what it must look like. A Duration and 64
# bits are strings in JSON.
REQUEST = {
    "requestMethod": ("method", r"[!#$%&'*+.^`|~\w-]+"), "requestUrl": ("url", r"[^?#;]*"), "status": ("status", r"[1-9]\d\d"),
    "latency": ("latency", r"\d+\.\d{3}s"), "remoteIp": ("ip", r"[\d.]+|[\da-f:.]+"), "protocol": ("protocol", r"HTTP/1\.[01]"),
    "requestSize": ("request_size", r"\d+"), "responseSize": ("response_size", r"\d+"), "userAgent": ("agent", r".+"),
}


class Event(dict):
    """A line's fields, all as text, by the names of the text form; a duration is without its "s"."""

    def __init__(self, level, name, fields):
        super().__init__((k, re.sub(r"^(\d+\.\d{3})s$", r"\1", v)) for k, v in fields)
        self.level, self.name = level, name


def unique(pairs):
    assert len({k for k, _ in pairs}) == len(pairs), f"a name twice: {pairs}"
    return dict(pairs)


def request_of(request):
    for name, value in request.items():
        assert isinstance(value, str) and re.fullmatch(REQUEST[name][1], value), f"{name}: {value!r}"
        yield REQUEST[name][0], value


def json_event(line):
    found = json.loads(line, object_pairs_hook=unique, parse_int=str, parse_float=str)
    assert list(found)[:3] == ["severity", "time", "message"], line
    level, time, name = (found.pop(k) for k in ("severity", "time", "message"))
    assert re.fullmatch(TIME, time) and re.fullmatch("[a-z_]+", name), line
    assert '"status":"' not in line.split('"httpRequest":')[-1], f"the status is a number: {line}"
    fields = list(request_of(found.pop("httpRequest", {})))
    if trace := found.pop(CLOUD + "trace", None):
        m = re.fullmatch(r"(?:projects/[\w.:-]+/traces/)?([0-9a-f]{32})", trace)
        assert m and found.pop(CLOUD + "trace_sampled") in (True, False), line
        assert re.fullmatch("[0-9a-f]{16}", found.pop(CLOUD + "spanId", "0" * 16)), line
        fields.append(("trace", m[1]))
    for key, value in found.items():
        assert re.fullmatch("[a-z_]+", key) and isinstance(value, (str, bool)), f"{key}: {line}"
        fields.append((key, value if isinstance(value, str) else str(value).lower()))
    return Event(LEVELS[level], name, fields)


def text_event(line):
    m = TEXT.fullmatch(line)
    assert m, f"no line of the log: {line!r}"
    fields = [(k, json.loads(v) if v.startswith('"') else v) for k, v in FIELD.findall(m[4])]
    return Event(m[2].strip(), m[3], unique(fields).items())


def read(line):
    """One line, without its end, as an Event."""
    assert len(line.encode()) < 4096, "longer than a pipe takes in one piece"
    assert not re.search(r"[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]", line), f"what is no text: {line!r}"
    return json_event(line) if line.startswith("{") else text_event(line)


def read_all(raw):
    """All that a wskeep has written (bytes). A test build says its faults first; that line is not of the log."""
    return [read(line) for line in raw.decode().split("\n")[:-1] if not line.startswith("WSKEEP_FAULTS")]
