"""The verbs themselves. Chat and shell call `perform`; both get the same answers."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from pydantic import SecretStr

from ..connectors import (
    SECRETS,
    Connector,
    ConnectorError,
    ConnectorSpec,
    InvalidFields,
    Reported,
    Taken,
    standing_of,
    values_of,
)
from ..delivery import LogEntry
from ..runtime import send_test
from ..storage import DatabaseUnavailable
from ..texts.connectors import ConnectorTexts
from .answer import Answer, Table
from .approving import approvals, decide
from .deadletters import replay
from .desk import Desk
from .diagnosis import doctor, why
from .entering import entry
from .grammar import VERBS, Call, MisuseError, Verb, parse
from .registering import registered
from .standings import light_of, row_of, rows_of_parts, summary_of, trouble_of


async def perform(desk: Desk, line: str, secrets: Mapping[str, SecretStr] | None = None) -> Answer:
    """Do what a line asks for. Never raises what a person can cause.

    Args:
        desk: For whom, and with what.
        line: What was typed after the root.
        secrets: For `add` and `set`: secret fields, which are never part of a line.
    """
    try:
        call = parse(line)
    except MisuseError as error:
        return Answer(_misuse(desk, error), failed=True)
    return await carry_out(desk, replace(call, secrets=secrets or {}))


async def carry_out(desk: Desk, call: Call) -> Answer:
    """Do what was asked for otherwise than by a line: by a button, or by a form. Never raises what a person can
    cause."""
    try:
        return await _VERBS[call.verb.name](desk, call)
    except ConnectorError as error:
        return Answer(
            desk.texts.error(error), {"error": type(error).__name__}, failed=True, fields=_wrong(error)
        )
    except DatabaseUnavailable:
        return Answer(desk.texts.database_away(), {"error": "DatabaseUnavailable"}, failed=True)


# --- looking --------------------------------------------------------------------------------------------------


async def _list(desk: Desk, call: Call) -> Answer:
    texts = desk.texts
    pairs = await desk.management.service.status(desk.actor)
    if not pairs:
        return Answer(texts.no_connectors(), [])
    rows = tuple(
        (
            _label(texts, connector),
            summary_of(texts, connector, reported),
            connector.spec.app_id,
            texts.yes_no(connector.verified_at is not None),
            connector.spec.owner or "",
        )
        for connector, reported in pairs
    )
    lines: list[str] = []
    for row, pair in zip(rows, pairs, strict=True):
        lines += [f"{light_of(texts, *pair)} {row[0]} ({row[2]})", *trouble_of(texts, *pair)]
    data = [_brief(connector, reported) for connector, reported in pairs]
    return Answer("\n".join(lines), data, Table(texts.columns(), rows), tuple(pairs))


async def _show(desk: Desk, call: Call) -> Answer:
    texts = desk.texts
    ((connector, reported),) = await desk.management.service.status(desk.actor, call.arguments["name"])
    values = values_of(connector.spec)
    lines = [f"{light_of(texts, connector, reported)} {_label(texts, connector)}"]
    lines += trouble_of(texts, connector, reported)
    for field, value in values.items():
        if field in SECRETS:
            value = texts.is_set(bool(value))
        lines.append(f"{field}: {_plain(value)}")
    data = {
        **_brief(connector, reported),
        **{f"has_{k}" if k in SECRETS else k: v for k, v in values.items()},
    }
    return Answer("\n".join(lines), data, connectors=((connector, reported),))


async def _status(desk: Desk, call: Call) -> Answer:
    texts = desk.texts
    name = call.arguments.get("name")
    pairs = await desk.management.service.status(desk.actor, name)
    if not pairs:
        return Answer(texts.no_connectors(), [])
    rows = [row_of(texts, _label(texts, connector), connector, reported) for connector, reported in pairs]
    if name is not None:
        rows += rows_of_parts(texts, pairs[0][1])
    columns = texts.status_columns()
    blocks = [
        "\n".join(f"{column}: {value}" for column, value in zip(columns, row, strict=True) if value)
        for row in rows
    ]
    data = [_brief(connector, reported) for connector, reported in pairs]
    return Answer("\n\n".join(blocks), data, Table(columns, tuple(rows)), tuple(pairs))


async def _logs(desk: Desk, call: Call) -> Answer:
    texts = desk.texts
    limit = max(1, min(int(call.arguments["count"]), 500))
    page = await desk.management.service.logs(desk.actor, call.arguments["name"], limit=limit)
    entries = list(reversed(page.entries))
    rows = tuple((texts.moment(e.at), e.level, e.action, _detail(e)) for e in entries)
    text = "\n".join(" ".join(part for part in row if part) for row in rows) or texts.no_logs()
    data = [
        {"at": e.at.isoformat(), "level": e.level, "action": e.action, "message_id": e.message_id, **e.detail}
        for e in entries
    ]
    return Answer(text, data, Table(texts.log_columns(), rows))


# --- changing -------------------------------------------------------------------------------------------------


async def _add(desk: Desk, call: Call) -> Answer:
    values = assignments(desk, call.arguments.get("words", ()))
    if isinstance(values, Answer):
        return values
    given = {"name": call.arguments.get("name", ""), **values, **call.secrets}
    connector = await desk.management.service.create(desk.actor, given)
    return await _done(desk, connector, desk.texts.added(connector.spec.name))


async def _set(desk: Desk, call: Call) -> Answer:
    values = assignments(desk, call.arguments.get("words", ()))
    if isinstance(values, Answer):
        return values
    changed = await desk.management.service.update(
        desk.actor, call.arguments["name"], {**values, **call.secrets}
    )
    name = changed.connector.spec.name
    return await _done(desk, changed.connector, desk.texts.updated(name, changed.fields, changed.reset))


async def _verify(desk: Desk, call: Call) -> Answer:
    connector, info = await desk.management.service.verify(desk.actor, call.arguments["name"])
    return await _done(desk, connector, desk.texts.verified(connector.spec.name, info.app_name))


async def _enable(desk: Desk, call: Call) -> Answer:
    enabled = call.verb.name == "enable"
    connector = await desk.management.service.set_enabled(desk.actor, call.arguments["name"], enabled)
    return await _done(desk, connector, desk.texts.enabled(connector.spec.name, enabled))


async def _connect(desk: Desk, call: Call) -> Answer:
    connected = call.verb.name == "connect"
    connector = await desk.management.service.set_connected(desk.actor, call.arguments["name"], connected)
    return await _done(desk, connector, desk.texts.connected(connector.spec.name, connected))


async def _remove(desk: Desk, call: Call) -> Answer:
    connector = await desk.management.service.remove(desk.actor, call.arguments["name"])
    return Answer(desk.texts.removed(connector.spec.name), {"removed": connector.spec.name})


async def _test(desk: Desk, call: Call) -> Answer:
    words = list(call.arguments["words"])
    chat = words.pop(0) if len(words) > 1 and words[0].startswith(("oc_", "ou_", "on_")) else ""
    tried = await send_test(desk.management, desk.actor, call.arguments["name"], " ".join(words), chat)
    data = {"message_id": tried.message_id, "chat": tried.chat}
    return Answer(desk.texts.tested(tried.connector, tried.chat), data)


# --- help -----------------------------------------------------------------------------------------------------


async def _help(desk: Desk, call: Call) -> Answer:
    verb = VERBS.get(str(call.arguments.get("verb", "")))
    if verb is not None:
        return Answer(_usage(desk, verb))
    return Answer("\n".join(_line(desk, verb) for verb in VERBS.values()))


def _misuse(desk: Desk, error: MisuseError) -> str:
    if error.verb is not None:
        return _usage(desk, error.verb)
    return desk.texts.unknown_verb(error.typed, error.similar, f"{desk.root} help")


def _line(desk: Desk, verb: Verb) -> str:
    return f"{desk.root} {verb.name} {verb.usage}".rstrip() + f" — {verb.summary(desk.texts.locale)}"


def _usage(desk: Desk, verb: Verb) -> str:
    usage = desk.texts.usage(f"{desk.root} {verb.name} {verb.usage}".rstrip(), f"{desk.root} {verb.example}")
    lines = [verb.summary(desk.texts.locale), usage]
    if verb.name in ("add", "set"):
        plain = [field for field in ConnectorSpec.model_fields if field not in (*SECRETS, "enabled", "name")]
        lines += [f"• {field} — {desk.texts.field(field)}" for field in plain]
    return "\n".join(lines)


# --- in common ------------------------------------------------------------------------------------------------


def _wrong(error: ConnectorError) -> tuple[str, ...]:
    if isinstance(error, InvalidFields):
        return tuple(error.problems)
    return (error.field,) if isinstance(error, Taken) else ()


async def _done(desk: Desk, connector: Connector, text: str) -> Answer:
    pairs = await desk.management.service.status(desk.actor, connector.spec.name)
    return Answer(text, _brief(*pairs[0]), connectors=tuple(pairs))


def assignments(desk: Desk, words: Sequence[str]) -> dict[str, object] | Answer:
    """Fields from words like `field=value`, or what is wrong with them; a secret is never taken from a line."""
    values: dict[str, object] = {}
    for word in words:
        field, equals, value = word.partition("=")
        if not equals:
            return Answer(desk.texts.expected_assignment(word), failed=True)
        values[field] = value
    if written := [field for field in values if field in SECRETS]:
        return Answer(desk.texts.secret_in_message(written), failed=True)
    return values


def _brief(connector: Connector, reported: Reported) -> dict[str, Any]:
    return {
        "name": connector.spec.name,
        "app_id": connector.spec.app_id,
        "source": connector.source.value,
        "owner": connector.spec.owner,
        "verified_at": connector.verified_at.isoformat() if connector.verified_at else None,
        **standing_of(connector, reported),
    }


def _label(texts: ConnectorTexts, connector: Connector) -> str:
    return connector.spec.name + (texts.from_config() if connector.source.value == "config" else "")


def _plain(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, tuple | list):
        return ",".join(str(item) for item in value)  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]
    return "" if value is None else str(value)


def _detail(entry: LogEntry) -> str:
    parts = [
        f"{key}={_plain(value)}"
        for key, value in entry.detail.items()
        if key != "trace" and value is not None
    ]
    return " ".join([*([entry.message_id] if entry.message_id else []), *parts])


_VERBS: Mapping[str, Callable[[Desk, Call], Awaitable[Answer]]] = {
    "list": _list,
    "show": _show,
    "add": _add,
    "set": _set,
    "verify": _verify,
    "enable": _enable,
    "disable": _enable,
    "connect": _connect,
    "disconnect": _connect,
    "status": _status,
    "logs": _logs,
    "replay": replay,
    "why": why,
    "doctor": doctor,
    "test": _test,
    "remove": _remove,
    "register": registered,
    "console": entry,
    "approvals": approvals,
    "approve": decide,
    "reject": decide,
    "help": _help,
}
