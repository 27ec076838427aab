"""Card entities under Feishu's rules (facts, "CardKit"; the error tables of Feishu's cardkit-v1 pages)."""

import asyncio
import copy
import json

import pytest
import pytest_asyncio

DRAFT = {
    "schema": "2.0",
    "config": {"streaming_mode": True, "update_multi": True},
    "header": {"title": {"tag": "plain_text", "content": "Answer"}},
    "body": {
        "elements": [
            {"tag": "markdown", "element_id": "text", "content": "…"},
            {
                "tag": "collapsible_panel",
                "element_id": "steps",
                "header": {"title": {"tag": "plain_text", "content": "Steps"}},
                "elements": [{"tag": "markdown", "element_id": "step", "content": "one"}],
            },
            {"tag": "button", "element_id": "stop", "text": {"tag": "plain_text", "content": "Stop"}},
        ]
    },
}


def draft(*elements, **config):
    card = copy.deepcopy(DRAFT)
    card["config"].update(config)
    card["body"]["elements"] += elements
    return card


class Kit:
    """One entity, and the operations on it; each takes the next sequence unless told otherwise."""

    def __init__(self, company, client=None):
        self.company, self.client = company, client or company.client
        self.card_id, self.sequence = "", 0

    async def create(self, card=None, **body):
        data = json.dumps(DRAFT if card is None else card)
        answer = await self.client.call(
            "POST", "/cardkit/v1/cards", {"type": "card_json", "data": data, **body}
        )
        self.card_id = answer.get("data", {}).get("card_id", self.card_id)
        return answer["code"]

    async def send(self, card_id=None, **more):
        content = {"type": "card", "data": {"card_id": card_id or self.card_id}}
        return await self.client.send(self.company.direct.chat_id, content, "interactive", **more)

    async def do(self, method, path="", **body):
        self.sequence += 1
        body = {"sequence": self.sequence, **body}
        answer = await self.client.call(method, f"/cardkit/v1/cards/{self.card_id}{path}", body)
        return answer["code"]

    async def write(self, text, element="text", **body):
        return await self.do("PUT", f"/elements/{element}/content", content=text, **body)

    async def put(self, card, **body):
        return await self.do("PUT", card={"type": "card_json", "data": json.dumps(card)}, **body)

    async def configure(self, **config):
        return await self.do("PATCH", "/settings", settings=json.dumps({"config": config}))

    @property
    def card(self):
        return self.company.world.cards.get(self.card_id).card

    def text(self, at=0):
        return self.card["body"]["elements"][at]["content"]


@pytest_asyncio.fixture
async def kit(company):
    kit = Kit(company)
    assert await kit.create() == 0
    return kit


async def test_a_card_streams_where_it_was_sent(kit):
    assert await kit.write("Hel") == 0
    sent = await kit.send(uuid="once")
    message = kit.company.world.messages[sent["data"]["message_id"]]
    assert message.content["body"]["elements"][0]["content"] == "Hel"
    with kit.company.world.subscribe() as changes:
        assert await kit.write("Hello") == 0
        change = await anext(changes)
    assert (change.kind, change.message) == ("card_updated", message)
    assert kit.text() == "Hello"
    assert await kit.write("two", "step") == 0
    assert message.content["body"]["elements"][1]["elements"][0]["content"] == "two"
    assert await kit.configure(streaming_mode=False, summary={"content": "done"}) == 0
    assert message.content["config"]["summary"] == {"content": "done"}
    assert await kit.write("more") == 300309
    assert await kit.put(draft(streaming_mode=False)) == 0
    assert kit.text() == "…"


async def test_an_entity_is_sent_once_and_by_its_app(kit):
    other = Kit(
        kit.company,
        type(kit.client)(kit.company.sandbox, kit.company.world.add_app("Other"), kit.client.http),
    )
    other.card_id = kit.card_id
    kit.company.world.direct_chat(kit.company.ada, other.client.app)
    kit.company.direct.apps.append(other.client.app)
    assert (await other.send())["code"] == 230099
    assert await other.write("mine") == 300311
    first = await kit.send(uuid="same")
    assert (await kit.send(uuid="same"))["data"] == first["data"]
    assert (await kit.send())["code"] == 230099
    assert (await kit.send("123"))["code"] == 230099


async def test_sequences_increase_and_uuids_count_once(kit):
    assert await kit.write("a", sequence=5) == 0
    for sequence, code in (
        (5, 300317),
        (4, 300317),
        (0, 300317),
        (2**31, 10002),
        ("6", 10002),
        (None, 10002),
    ):
        assert await kit.write("b", sequence=sequence) == code
    assert kit.text() == "a"
    assert await kit.write("c", sequence=6, uuid="u") == 0
    assert await kit.write("d", sequence=7, uuid="u") == 200770
    assert await kit.write("d", sequence=7, uuid="x" * 65) == 10002
    assert kit.text() == "c"
    # One count for all operations, and a new card does not start it again.
    assert await kit.put(draft(), sequence=6) == 300317
    assert await kit.put(draft(), sequence=7) == 0
    assert await kit.write("e", sequence=7) == 300317


@pytest.mark.parametrize(
    ("card", "code"),
    [
        ({"elements": [{"tag": "hr"}]}, 300303),
        ({"schema": "2.0"}, 200220),
        ({}, 300303),
        (draft(update_multi=False), 300302),
        (draft({"tag": "markdown", "element_id": "text", "content": "twice"}), 300301),
        (draft({"tag": "hr", "element_id": "1st"}), 10002),
        (draft({"tag": "hr", "element_id": "x" * 21}), 10002),
        (draft({"tag": "hr", "element_id": {}}), 10002),
        (draft(*[{"tag": "hr"}] * 200), 300305),
        (draft({"tag": "markdown", "content": "长" * 11_000}), 200860),
        (draft({"tag": "markdown", "content": "| a | b |\n|---|---|\n| 1 | 2 |\n\nx\n\n" * 4}), 230099),
    ],
)
async def test_what_is_no_entity(company, card, code):
    assert await Kit(company).create(card) == code


async def test_other_refusals_of_create(company):
    assert await Kit(company).create(data="") == 300307
    assert await Kit(company).create(data="[") == 200220
    assert await Kit(company).create(type="template") == 10002
    fenced = draft({"tag": "markdown", "content": "```\n| a |\n|---|\n```\n" * 9})
    assert await Kit(company).create(fenced) == 0


async def test_too_many_tables_or_elements_are_refused_in_messages_too(company):
    table = {"tag": "table", "columns": [], "rows": []}
    for card, sub in (({"tables": [table] * 4}, "11310"), ({"rules": [{"tag": "hr"}] * 201}, "300305")):
        content = {"schema": "2.0", "body": {"elements": next(iter(card.values()))}}
        answer = await company.client.send(company.direct.chat_id, content, "interactive")
        assert answer["code"] == 230099
        assert f"ErrCode: {sub}" in answer["msg"]


async def test_elements_come_change_and_go(kit):
    hr = json.dumps([{"tag": "hr", "element_id": "line"}])
    at = {"type": "insert_after", "target_element_id": "text"}
    assert await kit.do("POST", "/elements", elements=hr, **at) == 0
    assert await kit.do("POST", "/elements", elements=hr, **at) == 300301
    inner = json.dumps([{"tag": "markdown", "content": "in"}])
    assert await kit.do("POST", "/elements", elements=inner, type="append", target_element_id="steps") == 0
    assert await kit.do("POST", "/elements", elements=inner, type="append") == 0
    before = {"type": "insert_before", "target_element_id": "text"}
    assert await kit.do("POST", "/elements", elements=inner, **before) == 0
    elements = kit.card["body"]["elements"]
    shown = [one.get("element_id") or one["content"] for one in elements]
    assert shown == ["in", "text", "line", "steps", "stop", "in"]
    assert elements[3]["elements"][1]["content"] == "in"
    assert await kit.do("PATCH", "/elements/stop", partial_element='{"disabled":true}') == 0
    assert await kit.do("PATCH", "/elements/stop", partial_element='{"tag":"hr"}') == 300312
    assert await kit.do("PUT", "/elements/line", element='{"tag":"markdown","content":"was a line"}') == 0
    assert await kit.do("DELETE", "/elements/stop") == 0
    shown = [one.get("element_id") or one["content"] for one in kit.card["body"]["elements"]]
    assert shown == ["in", "text", "was a line", "steps", "in"]


async def test_elements_that_are_not_there(make_company):
    company = await make_company(card_operations_per_second=100)
    kit = Kit(company)
    await kit.create()
    assert await kit.write("x", "nothing") == 300313
    assert await kit.write("x", "stop") == 300310
    assert await kit.write("x", "9") == 10002
    assert await kit.write("") == 99992402
    assert await kit.write("x" * 100_001) == 10002
    assert await kit.write("x" * 31_000) == 200860
    assert await kit.do("PATCH", "/elements/nothing", partial_element='{"content":"x"}') == 300313
    assert await kit.do("PATCH", "/elements/text", partial_element="{}") == 300313
    assert await kit.do("PUT", "/elements/nothing", element='{"tag":"hr"}') == 300121
    assert await kit.do("DELETE", "/elements/nothing") == 300314
    add = {"type": "insert_before", "elements": '[{"tag":"hr"}]'}
    assert await kit.do("POST", "/elements", target_element_id="nothing", **add) == 300315
    assert (
        await kit.do("POST", "/elements", **{**add, "type": "append", "target_element_id": "text"}) == 300315
    )
    assert await kit.do("POST", "/elements", type="append", elements="{}") == 10002
    assert await kit.do("PATCH", "/settings", settings='{"streaming_mode":false}') == 300122
    kit.card_id = "1" * 20
    assert await kit.write("x") == 200740
    kit.card_id = "1" * 21
    assert await kit.write("x") == 10002
    assert company.world.cards.get("1") is None


async def test_a_batch_is_done_whole_or_not_at_all(kit):
    actions = [
        {"action": "partial_update_setting", "params": {"settings": {"config": {"streaming_mode": False}}}},
        {"action": "delete_elements", "params": {"element_ids": ["stop", "steps"]}},
        {
            "action": "partial_update_element",
            "params": {"element_id": "text", "partial_element": {"content": "end"}},
        },
    ]
    wrong = {"action": "delete_elements", "params": {"element_ids": ["nothing"]}}
    before = copy.deepcopy(kit.card)
    assert await kit.do("POST", "/batch_update", actions=json.dumps([*actions, wrong])) == 300314
    assert await kit.do("POST", "/batch_update", actions='[{"action":"what"}]') == 10002
    assert kit.card == before
    assert await kit.do("POST", "/batch_update", actions=json.dumps(actions)) == 0
    assert [one["content"] for one in kit.card["body"]["elements"]] == ["end"]
    assert await kit.write("x") == 300309


async def test_ten_operations_a_second(make_company, clock):
    company = await make_company(clock=clock)
    kit = Kit(company)
    await kit.create()
    codes = [await kit.write(f"{n}") for n in range(11)]
    assert codes == [0] * 10 + [99991400]
    assert int(kit.client.last.headers["x-ogw-ratelimit-reset"]) == 1
    assert await Kit(company).create() == 0
    clock.now += 1.1
    assert await kit.write("again") == 0


async def test_a_stream_ends_after_ten_minutes(make_company, clock):
    """facts, limits table: 200850, then 300309; switching it on again starts it anew."""
    company = await make_company(clock=clock)
    kit = Kit(company)
    await kit.create()
    clock.now += 599
    assert await kit.write("in time") == 0
    clock.now += 2
    assert [await kit.write("late") for _ in range(3)] == [200850, 300309, 300309]
    assert await kit.put(draft(streaming_mode=False)) == 0
    assert await kit.configure(streaming_mode=True) == 0
    assert await kit.write("again") == 0


async def test_an_entity_lives_fourteen_days(make_company, clock):
    company = await make_company(clock=clock)
    kit = Kit(company)
    await kit.create()
    clock.now += 14 * 86400 + 1
    await company.client.login()
    assert await kit.put(draft()) == 200750
    assert (await kit.send())["code"] == 230099


async def test_a_click_while_it_streams(kit):
    """facts, "Card callback": the answer's card is not shown; meanwhile nothing can be updated (200810)."""
    link = await kit.client.connect()
    message_id = (await kit.send())["data"]["message_id"]
    new = {"schema": "2.0", "body": {"elements": [{"tag": "hr"}]}}
    for streaming in (True, False):
        click = asyncio.create_task(kit.company.world.click(kit.company.ada, message_id, {"tag": "button"}))
        frame, _ = await link.event()
        assert await kit.write("meanwhile") == 200810
        answer = {"toast": {"type": "info", "content": "ok"}, "card": {"type": "raw", "data": new}}
        await link.ack(frame, data=answer)
        result = await click
        assert result.toast == answer["toast"]
        assert (kit.card == new) is not streaming
        if streaming:
            assert result.card is None
            assert await kit.configure(streaming_mode=False) == 0


async def test_a_card_sent_without_an_entity_gets_one(kit):
    sent = await kit.client.sent(kit.company.direct.chat_id, draft(), "interactive")
    converted = await kit.client.call("POST", "/cardkit/v1/cards/id_convert", {"message_id": sent})
    again = await kit.client.call("POST", "/cardkit/v1/cards/id_convert", {"message_id": sent})
    assert converted["data"] == again["data"]
    kit.card_id = converted["data"]["card_id"]
    assert await kit.write("in place") == 0
    assert kit.company.world.messages[sent].content["body"]["elements"][0]["content"] == "in place"
    text = await kit.client.sent(kit.company.direct.chat_id, {"text": "x"})
    old = await kit.client.sent(kit.company.direct.chat_id, {"elements": [{"tag": "hr"}]}, "interactive")
    for message_id, code in ((text, 10002), ("om_1", 10002), (old, 300303)):
        answer = await kit.client.call("POST", "/cardkit/v1/cards/id_convert", {"message_id": message_id})
        assert answer["code"] == code
