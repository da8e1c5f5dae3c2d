"""deploy/monitoring/grafana.json: whether Grafana can import it, and each of its queries shows something."""

import contextlib
import itertools
import json
import math
import re

import pytest

from parts.http import ask
from parts.process import wait_until
from parts.prometheus import Prometheus, shipped
from parts.ws import Pair, ws

pytestmark = [pytest.mark.proxy, pytest.mark.deploy]

DASHBOARD = json.loads(shipped("grafana.json"))
QUERIES = [(panel["title"], target["expr"]) for panel in DASHBOARD["panels"] for target in panel.get("targets", [])]

# What is 0 as long as all is well.
QUIET = 'headless|waiting|backpressure|losses|pauses|dropped|kept_bytes|outcome="unproven"'


def test_panels_have_what_grafana_asks_for():
    panels = DASHBOARD["panels"]
    assert DASHBOARD["title"] and DASHBOARD["uid"] and DASHBOARD["schemaVersion"] >= 36
    assert "id" not in DASHBOARD, "the number that one Grafana gave it"
    assert len({panel["id"] for panel in panels}) == len(panels)
    variables = [variable["name"] for variable in DASHBOARD["templating"]["list"]]
    for panel in panels:
        assert panel["title"]
        if panel["type"] != "row":
            assert panel["description"], panel["title"]
            assert panel["datasource"] == {"type": "prometheus", "uid": "${datasource}"}
            assert len({target["refId"] for target in panel["targets"]}) == len(panel["targets"])
        for name in re.findall(r"\$\{?(\w+)", json.dumps(panel)):
            assert name in (*variables, "__rate_interval"), f"{panel['title']}: ${name}"


def test_panels_do_not_lie_on_each_other():
    places = [panel["gridPos"] for panel in DASHBOARD["panels"]]
    for p in places:
        assert p["x"] + p["w"] <= 24
    for a, b in itertools.combinations(places, 2):
        assert (a["x"] + a["w"] <= b["x"] or b["x"] + b["w"] <= a["x"]
                or a["y"] + a["h"] <= b["y"] or b["y"] + b["h"] <= a["y"]), (a, b)


def test_each_query_shows_something_of_a_wskeep_with_traffic(parts, proxy, apps, ws_backend):
    conf = {"heartbeat": {"interval": "100ms"}, "reconnect": {"window": "10s"}}
    p, q = proxy(apps("Websockets").address, conf).wait_ready(), proxy(ws_backend.address, conf)
    prometheus = parts(Prometheus(p.admin, q.admin)).wait_first_figures()
    values = {"job": "wskeep", "instance": f"{p.admin}|{q.admin}", "__rate_interval": "1m"}

    def filled_in(query):
        return re.sub(r"\$\{?(\w+)\}?", lambda m: values[m[1]], query)

    def shows(query):
        found = [value for _, value in prometheus.query(filled_in(query)) if math.isfinite(value)]
        return any(value > 0 for value in found) or (found and re.search(QUIET, query))

    with contextlib.ExitStack() as opened:
        c = opened.enter_context(ws(p.address, "/ws/echo"))
        with ws(p.address, "/ws/echo") as other:
            other.reset()
        lost, b = opened.enter_context(Pair(q, ws_backend))  # its backend is lost, and comes back
        lost.text("question")
        b.message()
        b.reset()
        opened.enter_context(ws_backend.accept()).serve()

        for title, query in QUERIES:
            def talked_and_looked():
                assert ask(p.address, "GET", "/hello").status == 200
                c.text("hello")
                c.message()  # pings are answered on the way
                with ws(p.address, "/ws/echo") as other:
                    other.goodbye()
                return shows(query)
            wait_until(f"{title}: {query}", talked_and_looked)
        for variable in DASHBOARD["templating"]["list"][1:]:
            metric, label = re.fullmatch(r"label_values\((.+), (\w+)\)", variable["query"]["query"]).groups()
            found = {labels.get(label) for labels, _ in prometheus.query(filled_in(metric))}
            assert found == set(values[variable["name"]].split("|"))
