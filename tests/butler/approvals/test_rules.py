"""Who may decide."""

import pytest
from pydantic import SecretStr

from nonebot_plugin_feishu_ws.butler import ToolDefinitionError, ToolRegistry
from nonebot_plugin_feishu_ws.butler.approvals import Asked, Decider, Jury, Refusal
from nonebot_plugin_feishu_ws.connectors import ConnectorSpec

ASKED = Asked("cli_a", "oc_1", "ou_asker")
HERE = {"app_id": "cli_a", "chat_id": "oc_1"}


def jury(
    approvers: tuple[str, ...] = (), of_tool: list[str] | str | None = None, owner: str | None = None
) -> Jury:
    registry = ToolRegistry()

    @registry.tool("deploy", requires_approval=True, approvers=of_tool)
    async def deploy() -> None: ...

    spec = ConnectorSpec(
        name="butler", app_id="cli_a", app_secret=SecretStr("x"), approvers=approvers, owner=owner
    )
    made = Jury.of(registry.get("deploy"), spec)
    assert made is not None
    return made


NAMED, ANYONE, NOBODY = ("ou_one", "ou_two"), ("*",), ()


@pytest.mark.parametrize(
    ("approvers", "decider", "refusal"),
    [
        (NAMED, Decider("ou_one", **HERE), None),
        (NAMED, Decider("ou_one", "cli_a", "oc_another"), None),
        (NAMED, Decider("ou_three", **HERE), Refusal.NOT_AN_APPROVER),
        (NAMED, Decider("ou_boss", **HERE, superuser=True), Refusal.NOT_AN_APPROVER),
        (NAMED, Decider("ou_one", "cli_b", "oc_1"), Refusal.OTHER_APP),
        ((*NAMED, "ou_asker"), Decider("ou_asker", **HERE), Refusal.OWN_REQUEST),
        (NAMED, Decider("", **HERE), Refusal.NOBODY),
        (ANYONE, Decider("ou_three", **HERE), None),
        (ANYONE, Decider("ou_three", "cli_a", "oc_another"), Refusal.OTHER_CHAT),
        (ANYONE, Decider("ou_three", "cli_a", None), Refusal.OTHER_CHAT),
        (ANYONE, Decider("ou_asker", **HERE), Refusal.OWN_REQUEST),
        (ANYONE, Decider("onebot:7", superuser=True), Refusal.OTHER_APP),
        (NOBODY, Decider("ou_three", **HERE), Refusal.NOT_AN_APPROVER),
        (NOBODY, Decider("ou_boss", **HERE, superuser=True), None),
        (NOBODY, Decider("onebot:7", superuser=True), None),
        (NOBODY, Decider("ou_owner", "cli_b", "oc_2"), None),
        (NOBODY, Decider("ou_asker", **HERE, superuser=True), None),
        (NOBODY, Decider("ou_asker", **HERE), Refusal.NOT_AN_APPROVER),
        (NOBODY, Decider("api:api-token", superuser=True), None),
        (NAMED, Decider("api:api-token", superuser=True), Refusal.OTHER_APP),
        (ANYONE, Decider("api:api-token", superuser=True), Refusal.OTHER_APP),
        (NAMED, Decider("shell:root", superuser=True), None),
        (ANYONE, Decider("shell:root", superuser=True), None),
    ],
)
def test_who_may(approvers: tuple[str, ...], decider: Decider, refusal: Refusal | None) -> None:
    """faults.md 42: nobody approves what they have asked for, unless they might as well have done it themselves."""
    assert jury(approvers, owner="ou_owner").refuses(ASKED, decider) is refusal


def test_the_tools_own_approvers_come_first() -> None:
    own = jury(("ou_one",), of_tool=["ou_two"])
    assert own.refuses(ASKED, Decider("ou_one", **HERE)) is Refusal.NOT_AN_APPROVER
    assert own.refuses(ASKED, Decider("ou_two", **HERE)) is None
    assert jury(("ou_one",), of_tool="*").refuses(ASKED, Decider("ou_three", **HERE)) is None


def test_a_connector_without_owner_has_none() -> None:
    assert jury().refuses(ASKED, Decider("", **HERE)) is Refusal.NOBODY


@pytest.mark.parametrize("approvers", [[], ["Alice"], ["ou_one", ""], "ou one"])
def test_approvers_that_name_nobody(approvers: list[str] | str) -> None:
    with pytest.raises(ToolDefinitionError):
        ToolRegistry().tool("deploy", requires_approval=True, approvers=approvers)


def test_approvers_of_what_needs_none() -> None:
    with pytest.raises(ToolDefinitionError):
        ToolRegistry().tool("deploy", approvers=["ou_one"])
