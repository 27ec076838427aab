"""The local Feishu inside the process: `FEISHU_WS__SANDBOX=true`."""

from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from importlib import import_module
from typing import TYPE_CHECKING

import nonebot
from nonebot.log import logger
from pydantic import SecretStr

from ..butler import tools
from ..config import SettingsError
from ..connectors import ConnectorSpec
from ..texts import Locale
from ..texts.approvals import DemoTexts

if TYPE_CHECKING:
    from feishu_sandbox import Sandbox


async def start_sandbox(
    specs: Sequence[ConnectorSpec], locale: Locale
) -> tuple["Sandbox", list[ConnectorSpec]]:
    """Start a local Feishu with an app for each connector, two users and a group they all share.

    The first of the users is a superuser, and each may approve what the other asks for. There is something to ask for:
    the tool `restart`, which restarts nothing.

    Args:
        specs: Connectors declared in configuration. With none, one called `butler` is made up.
        locale: Language of the chat page.

    Returns:
        The sandbox, and the connectors to run on it.

    Raises:
        SettingsError: The sandbox's requirements are not installed.
    """
    try:
        import_module("feishu_sandbox.page")  # what the extra brings is needed there
        from feishu_sandbox import Sandbox, populate
    except ImportError as error:
        raise SettingsError(
            f"FEISHU_WS__SANDBOX needs {error.name}: pip install 'nonebot-plugin-feishu-ws[sandbox]'"
        ) from error
    sandbox = Sandbox(locale=locale)
    await sandbox.start()
    world = sandbox.world
    if not specs:
        app = world.add_app("管家" if locale == "zh_CN" else "Butler")
        specs = [ConnectorSpec(name="butler", app_id=app.app_id, app_secret=SecretStr(app.app_secret))]
    else:
        for spec in specs:
            world.add_app(
                spec.name,
                app_id=spec.app_id,
                app_secret=spec.app_secret.get_secret_value(),
                verification_token=_plain(spec.verification_token),
                encrypt_key=_plain(spec.encrypt_key),
            )
    apps = list(world.apps.values())
    populate(sandbox, apps)
    people = list(world.users.values())
    boss, other = people[:2]
    # Ids are made up anew at each start, so nobody could put them into SUPERUSERS.
    nonebot.get_driver().config.superusers |= {f"feishu:{boss.open_id(app)}" for app in apps}
    logger.success(f"The local Feishu is at {sandbox.url}/ - open it in a browser and write help to the bot")
    logger.info(f"{boss.name} is a superuser there: /feishu help")
    if tools.get("restart") is None:
        tools.tool("restart", requires_approval=True)(_demonstration(locale))
        logger.info(f"To see an approval: write restart web as {boss.name}, approve it as {other.name}")
    return sandbox, [
        spec.model_copy(
            update={
                "domain": None,
                "approvers": spec.approvers or tuple(one.open_id(world.apps[spec.app_id]) for one in people),
            }
        )
        for spec in specs
    ]


def _plain(secret: SecretStr | None) -> str | None:
    return None if secret is None else secret.get_secret_value()


def _demonstration(locale: Locale) -> Callable[[str], Awaitable[str]]:
    """A tool for newcomers, who have none of their own yet: it waits for the other one's approval."""
    words, times = DemoTexts(locale), Counter[str]()

    async def restart(service: str) -> str:
        times[service] += 1
        return words.restarted(service, times[service])

    restart.__doc__ = words.restart()
    return restart
