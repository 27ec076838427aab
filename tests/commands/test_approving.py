"""Approvals decided where there is no card: by the user of the machine, in a shell."""

from datetime import timedelta
from typing import Any

import pytest

from nonebot_plugin_feishu_ws.butler.approvals import Question, Questions, hash_of


@pytest.fixture
async def asked(counter: Any) -> Any:
    """An approval that waits."""
    app = await counter.added("butler")
    management = counter.management
    questions = Questions(management.approvals_share, management.clock, timedelta(hours=1))
    arguments = '{"service":"web"}'
    digest = hash_of("deploy", arguments)
    question = Question(
        app.app_id, "oc_1", None, "om_1", "ev_1", "0", "ou_asker", "deploy", arguments, digest, "", ("oc_1",)
    )

    async def nothing(_session: Any, _row: Any) -> None: ...

    row, _ = await questions.ask(question, nothing)
    return row


async def test_the_list(counter: Any, asked: Any) -> None:
    answer = await counter.says("approvals")
    assert answer.table.rows == (
        (asked.id, "under a minute", "ou_asker", "butler", "deploy", '{"service":"web"}'),
    )
    (data,) = answer.data
    assert (data["id"], data["arguments"], data["may_decide"]) == (asked.id, '{"service":"web"}', True)
    assert asked.nonce not in repr(answer)
    nobody = await counter.says("approvals", who="ou_other", superuser=False)
    assert (nobody.text, nobody.data) == ("Nothing waits for approval.", [])


async def test_decided_by_the_user_of_the_machine(counter: Any, asked: Any) -> None:
    """Though nobody here knows the tool, as in a shell beside a bot with plugins of its own."""
    refused = await counter.says(f"approve {asked.id}", who="ou_other", superuser=False)
    assert refused.failed
    assert refused.data == {"error": "MayNotDecide", "reason": "not_an_approver"}
    done = await counter.says(f"approve {asked.id.upper()}")
    assert (done.text, done.failed) == ("deploy: approved, about to run.", False)
    again = await counter.says(f"reject {asked.id}")
    assert (again.text, again.failed) == ("Too late. deploy: approved, about to run.", True)
    unknown = await counter.says("approve 22222222")
    assert (unknown.text, unknown.failed) == ("There is no approval 22222222.", True)
    row = await counter.management.approvals.get(asked.id)
    assert (row.state, row.decided_by) == ("approved", "shell:root")
