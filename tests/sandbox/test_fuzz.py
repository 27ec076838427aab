"""Whatever a client writes, the platform answers, and never with a 500."""

import json
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

PATHS = [
    "/auth/v3/tenant_access_token/internal",
    "/bot/v3/info",
    "/im/v1/messages?receive_id_type=open_id",
    "/im/v1/messages?receive_id_type=chat_id",
    "/im/v1/messages?receive_id_type=",
    "/im/v1/messages?container_id_type=chat&container_id={chat}&page_size=0",
    "/im/v1/messages/{message}",
    "/im/v1/messages/{card}",
    "/im/v1/messages/c-1",
    "/im/v1/messages/{message}/reply",
    "/im/v1/messages/{message}/reactions",
    "/im/v1/messages/{message}/reactions/x",
    "/im/v1/messages/{message}/resources/x?type=image",
    "/im/v1/images",
    "/im/v1/files",
    "/im/v1/chats/{chat}/members?page_token=-1",
    "/interactive/v1/card/update",
    "/cardkit/v1/cards",
    "/cardkit/v1/cards/id_convert",
    "/cardkit/v1/cards/{entity}",
    "/cardkit/v1/cards/{entity}/settings",
    "/cardkit/v1/cards/{entity}/batch_update",
    "/cardkit/v1/cards/{entity}/elements",
    "/cardkit/v1/cards/{entity}/elements/text",
    "/cardkit/v1/cards/{entity}/elements/text/content",
]
NAMES = [
    "receive_id",
    "msg_type",
    "content",
    "uuid",
    "reply_in_thread",
    "reaction_type",
    "token",
    "card",
    "app_id",
    "message_id",
    "sequence",
    "settings",
    "actions",
    "elements",
    "element",
    "partial_element",
    "data",
]
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
contents = st.one_of(
    json_values.map(json.dumps),
    st.builds(
        lambda key, value: json.dumps({key: value}),
        st.sampled_from(["text", "zh_cn", "elements", "body", "schema", "header", "type", "data", "config"]),
        json_values,
    ),
    st.builds(
        lambda rows: json.dumps({"zh_cn": {"content": rows}}),
        st.lists(
            st.lists(st.fixed_dictionaries({"tag": st.sampled_from(["text", "at", "a"])}) | json_values)
        ),
    ),
    json_values,
)
bodies = st.one_of(
    st.binary(max_size=40),
    json_values.map(lambda value: json.dumps(value).encode()),
    st.fixed_dictionaries(
        {
            "receive_id": st.sampled_from(["{user}", "{chat}"]),
            "msg_type": st.sampled_from(["text", "post", "interactive", "image", "share_chat", "x"]),
            "content": contents,
        },
        optional={name: json_values for name in NAMES if name not in ("receive_id", "msg_type", "content")},
    ).map(lambda value: json.dumps(value).encode()),
)

elements = st.recursive(
    st.fixed_dictionaries(
        {"tag": st.sampled_from(["markdown", "hr", "table", "plain_text"]) | json_values},
        optional={"element_id": st.sampled_from(["text", "a", "b"]) | json_values, "content": json_values},
    ),
    lambda inner: st.fixed_dictionaries({"tag": st.just("form"), "elements": st.lists(inner, max_size=3)}),
    max_leaves=4,
)
ids = st.sampled_from(["text", "a", "nothing"]) | json_values
params = st.fixed_dictionaries(
    {},
    optional={
        "element_id": ids,
        "element_ids": st.lists(ids, max_size=2) | json_values,
        "target_element_id": ids,
        "type": st.sampled_from(["append", "insert_before"]) | json_values,
        "element": elements | json_values,
        "elements": st.lists(elements, max_size=2) | json_values,
        "partial_element": elements | json_values,
        "settings": st.dictionaries(st.sampled_from(["config", "card_link"]), json_values),
    },
)
actions = st.fixed_dictionaries(
    {
        "action": st.sampled_from(
            [
                "partial_update_setting",
                "add_elements",
                "delete_elements",
                "update_element",
                "partial_update_element",
            ]
        ),
        "params": params | json_values,
    }
)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(actions | json_values, max_size=4))
async def test_no_batch_makes_the_platform_fail(fuzzed, batch: list[Any]):
    company, places = fuzzed
    card_id = places["entity"]
    entity = company.world.cards.get(card_id)
    body = {"sequence": entity.sequence + 1, "actions": json.dumps(batch)}
    answer = await company.client.call("POST", f"/cardkit/v1/cards/{card_id}/batch_update", body)
    assert company.client.last.status < 500, answer
    again = {"type": "card_json", "data": json.dumps(entity.card)}
    accepted = await company.client.call(
        "PUT", f"/cardkit/v1/cards/{card_id}", {"card": again, "sequence": 2**30}
    )
    assert accepted["code"] == 0, "what a batch has left is no card"
    entity.sequence = 0


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    method=st.sampled_from(["GET", "POST", "PUT", "PATCH", "DELETE"]),
    path=st.sampled_from(PATHS),
    body=bodies,
    kind=st.sampled_from(["application/json", "text/plain", "multipart/form-data; boundary=x", "x", ""]),
)
async def test_no_request_makes_the_platform_fail(fuzzed, method: str, path: str, body: bytes, kind: str):
    company, places = fuzzed
    for name, value in places.items():
        path = path.replace("{" + name + "}", value)
        body = body.replace(f"{{{name}}}".encode(), value.encode())
    headers: dict[str, Any] = {"Authorization": f"Bearer {company.client.token}", "Content-Type": kind}
    url = company.sandbox.url + "/open-apis" + path
    async with company.client.http.request(method, url, data=body, headers=headers) as response:
        text = await response.text()
    assert response.status < 500, (response.status, text)
    assert text == "404 page not found" or isinstance(json.loads(text)["code"], int)
