"""The forms of a connector: to add one, to change one, and its policy."""

from collections.abc import Mapping, Sequence
from http import HTTPStatus

from fastapi import Response

from ...connectors import (
    Connector,
    ConnectorError,
    InvalidFields,
    NotAllowed,
    Source,
    Taken,
    UnknownConnector,
)
from ...storage import SessionOrigin
from ...texts.console import ConsoleTexts
from .fields import GROUPS, POLICY, fields_of, offered, seen, typed
from .forms import Form
from .visit import Notice, Visit

_ALL = [name for names in GROUPS.values() for name in names]
_SEEN = "seen"


async def new(visit: Visit) -> Response:
    """An empty form."""
    return await _adding(visit)


async def create(visit: Visit) -> Response:
    """Add a connector."""
    names = offered(_ALL, superuser=visit.actor.superuser)
    values = {name: value for name, value in typed(names, visit.form).items() if value != ""}
    try:
        connector = await visit.management.service.create(visit.actor, {"name": "", **values})
    except NotAllowed:
        raise
    except ConnectorError as error:
        return await _adding(visit, visit.form, error)
    name = connector.spec.name
    return await visit.go(f"/connectors/{name}", Notice("good", visit.texts.done("add", name)))


async def edit(visit: Visit) -> Response:
    """What it is, to be changed."""
    return await _changing(visit, await _connector(visit), _ALL, "edit")


async def update(visit: Visit) -> Response:
    """Change what it is."""
    return await _update(visit, _ALL, "edit")


async def policy(visit: Visit) -> Response:
    """Whom it listens to, to be changed."""
    return await _changing(visit, await _connector(visit), POLICY, "policy")


async def update_policy(visit: Visit) -> Response:
    """Change whom it listens to."""
    return await _update(visit, POLICY, "policy")


async def _connector(visit: Visit) -> Connector:
    return await visit.management.service.get(visit.actor, visit.path("name"))


async def _adding(visit: Visit, form: Form | None = None, error: ConnectorError | None = None) -> Response:
    names = {group: offered(fields, superuser=True) for group, fields in GROUPS.items()}
    problems, notice = _explained(visit.texts, error)
    if form is None and visit.here.session.identity.origin is SessionOrigin.CHAT:
        form = Form([("owner", visit.actor.who), ("transport", "ws")])  # as in the chat
    groups = {group: fields_of(visit.texts, fields, None, form, problems) for group, fields in names.items()}
    return await visit.page(
        "edit",
        status=HTTPStatus.OK if error is None else HTTPStatus.UNPROCESSABLE_ENTITY,
        notice=notice,
        section="connectors",
        name="",
        what="add",
        groups=groups,
        seen="",
        readonly=False,
    )


async def _changing(
    visit: Visit,
    connector: Connector,
    names: Sequence[str],
    what: str,
    *,
    form: Form | None = None,
    error: ConnectorError | None = None,
    notice: Notice | None = None,
) -> Response:
    spec, groups = connector.spec, GROUPS if what == "edit" else {"policy": POLICY}
    problems, said = _explained(visit.texts, error)
    superuser = visit.actor.superuser
    return await visit.page(
        "edit",
        status=HTTPStatus.OK if form is None else HTTPStatus.UNPROCESSABLE_ENTITY,
        notice=notice or said,
        section="connectors",
        name=spec.name,
        what=what,
        groups={
            group: fields_of(visit.texts, offered(fields, superuser=superuser), spec, form, problems)
            for group, fields in groups.items()
        },
        seen=seen(names, spec),
        readonly=connector.source is Source.CONFIG or connector.locked is not None,
    )


async def _update(visit: Visit, names: Sequence[str], what: str) -> Response:
    connector, form = await _connector(visit), visit.form
    if form.get(_SEEN) != seen(names, connector.spec):
        notice = Notice("bad", visit.texts.word("has_changed"))
        return await _changing(visit, connector, names, what, form=form, notice=notice)
    values = typed(offered(names, superuser=visit.actor.superuser), form)
    try:
        changed = await visit.management.service.update(visit.actor, connector.id, values)
    except UnknownConnector:
        raise
    except ConnectorError as error:
        return await _changing(visit, connector, names, what, form=form, error=error)
    name = changed.connector.spec.name
    text = visit.texts.saved(name, changed.fields, reset=changed.reset)
    return await visit.go(f"/connectors/{name}", Notice("good", text))


def _explained(texts: ConsoleTexts, error: ConnectorError | None) -> tuple[Mapping[str, str], Notice | None]:
    """What is wrong with which field, and what is said at the top."""
    if error is None:
        return {}, None
    if isinstance(error, InvalidFields) and error.problems:
        problems = {field: texts.problem(field, said) for field, said in error.problems.items()}
    elif isinstance(error, Taken):
        problems = {error.field: texts.taken()}
    else:
        return {}, Notice("bad", texts.error(error))
    return problems, Notice("bad", texts.word("look_at_fields"))
