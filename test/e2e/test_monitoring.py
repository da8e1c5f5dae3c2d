"""deploy/monitoring: the alerts, on written series and in a real Prometheus."""

import pytest

from parts.prometheus import promtool

pytestmark = [pytest.mark.proxy, pytest.mark.deploy]


def test_rules_and_scrape_config_are_as_prometheus_takes_them():
    promtool("check", "rules", "rules.yml")
    promtool("check", "config", "prometheus.yml")


def test_alerts_fire_where_they_should_and_nowhere_else():
    promtool("test", "rules", "rules-test.yml")
