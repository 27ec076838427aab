"""The verb `register`: a person scans a code, Feishu makes the app, and its connector is added and verified.

Whoever opens the link and confirms owns the app, so it is shown to nobody but the one who asked. The app secret goes
from Feishu's answer into the store and is never shown.
"""

import re

from pydantic import SecretStr
from yarl import URL

from ..connectors import (
    Connector,
    InvalidFields,
    NotAllowed,
    Registered,
    RegistrationError,
    Taken,
    VerificationFailed,
    register,
)
from ..connectors import ConnectorSpec as Spec
from ..gateway import proxy_for
from .answer import Answer
from .desk import Desk
from .grammar import Call


async def registered(desk: Desk, call: Call) -> Answer:
    """Have a person create an app; the desk's `show` brings them the link. Cancel the task to give up.

    Raises:
        NotAllowed, InvalidFields, Taken: Before anything is begun.
        DatabaseUnavailable: Nobody knows now.
    """
    management, name = desk.management, str(call.arguments.get("name", ""))
    if not desk.actor.superuser:
        management.service.denied(desk.actor, "register")
        raise NotAllowed(name, "register")
    if desk.show is None:
        return Answer(desk.texts.no_register_here(), failed=True)
    await _free(desk, name)
    try:
        app = await register(
            base_url=management.default_url,
            session=management.session,
            on_progress=desk.show,
            proxy=proxy_for(URL(management.default_url), None),
            name=name or None,
        )
    except RegistrationError as error:
        return Answer(desk.texts.not_registered(error), {"error": type(error).__name__}, failed=True)
    connector = await _added(desk, name, app)
    try:
        connector, info = await management.service.verify(desk.actor, connector.spec.name)
        text = desk.texts.registered(connector.spec.name, info.app_name)
    except VerificationFailed as error:  # the app is there and kept; it can be verified later
        text = f"{desk.texts.added(connector.spec.name)}\n{desk.texts.error(error)}"
    pairs = await management.service.status(desk.actor, connector.spec.name)
    data = {"name": connector.spec.name, "app_id": connector.spec.app_id}
    return Answer(text, data, connectors=tuple(pairs))


async def _free(desk: Desk, name: str) -> None:
    """A name that cannot be used is found out before somebody makes an app for it."""
    if not name:
        return
    try:
        Spec(name=name, app_id="cli_", app_secret=SecretStr("-"))
    except ValueError:
        raise InvalidFields(name, {"name": "not valid"}) from None
    if any(one.spec.name == name for one in await desk.management.service.visible(desk.actor)):
        raise Taken(name, "name")


async def _added(desk: Desk, name: str, app: Registered) -> Connector:
    service = desk.management.service
    own_name = f"app-{re.sub('[^a-z0-9]', '', app.app_id.lower())[-8:]}"
    elsewhere = app.domain != desk.management.default_url
    values: dict[str, object] = {
        "app_id": app.app_id,
        "app_secret": app.app_secret,
        **({"domain": app.domain} if elsewhere else {}),
    }
    try:
        return await service.create(desk.actor, {"name": name or own_name, **values})
    except Taken:  # meanwhile; the credentials are handed out once, so they must not be lost
        return await service.create(desk.actor, {"name": own_name, **values})
