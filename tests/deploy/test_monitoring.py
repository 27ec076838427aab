"""Dashboard and alerts name metrics that exist, with labels they have."""

import json
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

DEPLOY = Path(__file__).parents[2] / "deploy"
MONITORING = DEPLOY / "monitoring"
_SELECTOR = re.compile(r"\b([a-z_]+)(?:\{([^}]*)\})?")
_GROUPED = re.compile(r"\bby \(([^)]*)\)")
_LABELS = re.compile(r'(\w+)\s*(?:=~|!~|!=|=)\s*"[^"]*"')
_OF_PROMETHEUS = {"up": {"job", "instance"}}


def rules() -> list[dict[str, Any]]:
    (group,) = yaml.safe_load((MONITORING / "alerts.yaml").read_text(encoding="utf-8"))["groups"]
    assert group.keys() == {"name", "rules"}
    return group["rules"]


def panels() -> list[dict[str, Any]]:
    return json.loads((MONITORING / "dashboard.json").read_text(encoding="utf-8"))["panels"]


def expressions() -> Iterator[str]:
    yield from (rule["expr"] for rule in rules())
    yield from (target["expr"] for panel in panels() for target in panel["targets"])


@pytest.fixture(scope="module")
def known() -> dict[str, set[str]]:
    """Every sample's name and its labels, with something counted everywhere."""
    from nonebot_plugin_feishu_ws import running

    vitals = running.vitals
    vitals.tally.reconnects.add("butler")
    vitals.management.pacer.calls.add("GET bot/v3/info", "0")
    for counts in (vitals.management.pacer.waits, vitals.management.pacer.waited):
        counts.add("GET bot/v3/info")
    found = dict(_OF_PROMETHEUS)
    for family in text_string_to_metric_families(vitals.metrics()().decode()):
        name = f"{family.name}_total" if family.type == "counter" else family.name
        found.setdefault(name, set()).add("instance")
        for sample in family.samples:
            found.setdefault(sample.name, {"instance"}).update(sample.labels)
    # Of connectors there are none, of a model nothing.
    for name, labels in (
        ("feishu_ws_connector_state", {"connector", "state"}),
        ("feishu_ws_connections_open", {"connector"}),
        ("feishu_ws_connections_wanted", {"connector"}),
        ("feishu_ws_llm_tokens_total", {"direction"}),
        ("feishu_ws_llm_requests_total", {"outcome"}),
        ("feishu_ws_llm_turns_total", {"outcome"}),
    ):
        assert name in found
        found[name] |= labels
    return found


@pytest.mark.parametrize("expression", sorted(set(expressions())))
def test_what_is_asked_for_exists(known: dict[str, set[str]], expression: str) -> None:
    used = {
        name: set(_LABELS.findall(selector))
        for name, selector in _SELECTOR.findall(expression)
        if name.startswith(("feishu_ws_", "process_", "up")) and name != "update"
    }
    assert used, expression
    for name, labels in used.items():
        assert name in known, name
        assert labels <= known[name], f"{name} has no {labels - known[name]}"
        for grouped in _GROUPED.findall(expression):
            assert {one.strip() for one in grouped.split(",")} <= known[name] | {"le"}, expression
    for opening, closing in ("()", "[]", "{}"):
        assert expression.count(opening) == expression.count(closing)
    if "_bucket" in expression:
        assert "by (le)" in expression
    for function in ("rate(", "increase("):
        for call in expression.split(function)[1:]:
            counter = re.match(r"[a-z_]+", call)
            assert counter is not None
            assert counter[0].endswith(("_total", "_bucket")), f"{function} is for counters: {expression}"
            assert re.match(r"[a-z_]+(\{[^}]*\})?\[\d+[mh]\]", call), expression


def test_every_metric_is_on_the_dashboard(known: dict[str, set[str]]) -> None:
    shown = " ".join(target["expr"] for panel in panels() for target in panel["targets"])
    ours = {name for name in known if name.startswith("feishu_ws_")}
    parts = {name for name in ours if name.endswith(("_created", "_count", "_sum"))} | {
        "feishu_ws_ack_seconds"
    }
    assert {name for name in ours - parts if name not in shown} == set()


def test_alerts_are_whole() -> None:
    names = [rule["alert"] for rule in rules()]
    assert len(names) == len(set(names)) > 10
    for rule in rules():
        assert (
            {"alert", "expr", "labels", "annotations"}
            <= rule.keys()
            <= {"alert", "expr", "for", "labels", "annotations"}
        )
        assert re.fullmatch(r"[A-Z][A-Za-z]+", rule["alert"])
        assert re.fullmatch(r"\d+m", rule.get("for", "1m"))
        assert rule["labels"].keys() == {"severity"}
        assert rule["labels"]["severity"] in ("critical", "warning")
        assert rule["annotations"].keys() == {"summary", "description"}
        for text in rule["annotations"].values():
            assert text
            grouped = _GROUPED.findall(rule["expr"])
            kept = {one.strip() for group in grouped for one in group.split(",")} if grouped else {"instance"}
            assert set(re.findall(r"\$labels\.(\w+)", text)) <= kept, f"{rule['alert']}: not among the labels"


def test_the_dashboard_fits() -> None:
    board = json.loads((MONITORING / "dashboard.json").read_text(encoding="utf-8"))
    assert len({panel["id"] for panel in board["panels"]}) == len(board["panels"])
    cells = [
        (x, y)
        for panel in board["panels"]
        for x in range(panel["gridPos"]["x"], panel["gridPos"]["x"] + panel["gridPos"]["w"])
        for y in range(panel["gridPos"]["y"], panel["gridPos"]["y"] + panel["gridPos"]["h"])
    ]
    assert len(cells) == len(set(cells)), "panels lie on each other"
    assert max(x for x, _ in cells) < 24
    source = yaml.safe_load((MONITORING / "grafana-sources.yaml").read_text(encoding="utf-8"))["datasources"][
        0
    ]
    assert {panel["datasource"]["uid"] for panel in board["panels"]} == {source["uid"]}


def test_compose_beside_compose(compose: Any) -> None:
    """The second file adds to the first, and publishes nothing but Grafana, to this machine."""
    text = (DEPLOY / "compose.monitoring.yaml").read_text(encoding="utf-8")
    more = yaml.safe_load(text)
    services = more["services"]
    assert services["bot"]["environment"]["DRIVER"] == "~fastapi"
    assert services["bot"]["environment"].keys() - compose["services"]["bot"]["environment"].keys()
    assert set(services["bot"]["networks"]) == {*compose["services"]["bot"]["networks"], "watch"}
    published = [port for service in services.values() for port in service.get("ports", ())]
    assert all(port.startswith("127.0.0.1:") for port in published)
    networks = compose["networks"].keys() | more["networks"].keys()
    for service in services.values():
        assert set(service["networks"]) <= networks
        for volume in service.get("volumes", ()):
            source = volume.partition(":")[0]
            assert source in more["volumes"] or (DEPLOY / source).is_file(), volume
    prometheus = yaml.safe_load((MONITORING / "prometheus.yaml").read_text(encoding="utf-8"))
    (scrape,) = prometheus["scrape_configs"]
    from nonebot_plugin_feishu_ws.console.probes import METRICS

    assert scrape["metrics_path"] == METRICS
    (names,) = scrape["dns_sd_configs"]
    assert names["names"] == ["bot"]
    assert str(names["port"]) == services["bot"]["environment"]["PORT"]
    (secret,) = services["prometheus"]["secrets"]
    assert scrape["authorization"]["credentials_file"] == f"/run/secrets/{secret}"
    assert more["secrets"][secret] == {"environment": "FEISHU_WS__API_TOKEN"}
    for variable in set(re.findall(r"\$\{(\w+)", text)):
        assert f"#   {variable}=" in text, "it is said at the top"


def test_the_image_can_serve_http(stages: Any) -> None:
    (install,) = [step for step in stages[0].of("RUN") if "pip install" in step]
    assert '"nonebot2[fastapi]"' in install
    project = tomllib.loads((DEPLOY.parent / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert any(one.startswith("prometheus-client") for one in project["dependencies"])
