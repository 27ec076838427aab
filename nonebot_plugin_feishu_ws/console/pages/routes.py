"""Every page, what its forms do, and who may have it. What is not in this table is not served."""

from collections.abc import Sequence

from fastapi import Response

from . import (
    actions,
    approvals,
    assets,
    checkup,
    connectors,
    editing,
    letters,
    logs,
    signing,
    streams,
    trying,
)
from .visit import ROOT, Access, NotThereError, Route, Visit


async def _home(visit: Visit) -> Response:
    return await visit.go("/connectors")


async def _asset(visit: Visit) -> Response:
    found = assets.asset(visit.path("name"))
    if found is None:
        raise NotThereError
    return found


async def _nothing(_: Visit) -> Response:
    raise NotThereError


_CONNECTOR = f"{ROOT}/connectors/{{name}}"

ROUTES: Sequence[Route] = (
    Route("GET", ROOT, _home),
    Route("GET", f"{ROOT}/static/{{version}}/{{name}}", _asset, Access.PUBLIC),
    Route("GET", f"{ROOT}/language", signing.language, Access.PUBLIC),
    Route("GET", f"{ROOT}/sign-in", signing.show, Access.ANYBODY),
    Route("POST", f"{ROOT}/sign-in", signing.sign_in, Access.ANYBODY),
    Route("POST", f"{ROOT}/sign-out", signing.sign_out),
    Route("POST", f"{ROOT}/sign-out-everywhere", signing.sign_out_everywhere),
    Route("GET", f"{ROOT}/account", signing.account),
    Route("GET", f"{ROOT}/live", streams.changes, stream=True),
    Route("GET", f"{ROOT}/connectors", connectors.index),
    Route("GET", f"{ROOT}/add", editing.new, Access.SUPERUSER),
    Route("POST", f"{ROOT}/add", editing.create, Access.SUPERUSER),
    Route("GET", _CONNECTOR, connectors.show),
    Route("GET", f"{_CONNECTOR}/edit", editing.edit),
    Route("POST", f"{_CONNECTOR}/edit", editing.update),
    Route("GET", f"{_CONNECTOR}/policy", editing.policy),
    Route("POST", f"{_CONNECTOR}/policy", editing.update_policy),
    Route("GET", f"{_CONNECTOR}/remove", connectors.remove),
    Route("POST", f"{_CONNECTOR}/remove", actions.remove),
    Route("GET", f"{_CONNECTOR}/doctor", checkup.show),
    Route("GET", f"{_CONNECTOR}/doctor/run", checkup.run, stream=True),
    Route("POST", f"{_CONNECTOR}/replay", letters.replay),
    Route("GET", f"{_CONNECTOR}/test", connectors.show),
    Route("POST", f"{_CONNECTOR}/test", trying.send),
    Route("POST", f"{_CONNECTOR}/do/{{verb}}", actions.act),
    Route("GET", f"{ROOT}/logs", logs.index),
    Route("GET", f"{ROOT}/trace", logs.trace),
    Route("GET", f"{ROOT}/dead-letters", letters.index),
    Route("GET", f"{ROOT}/approvals", approvals.index),
    Route("POST", f"{ROOT}/approvals/{{id}}", approvals.decide),
    Route("GET", f"{ROOT}/{{rest:path}}", _nothing),
    Route("POST", f"{ROOT}/{{rest:path}}", _nothing),
)
