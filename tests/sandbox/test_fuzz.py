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
