"""The model, where the settings ask for one: what it needs is not even imported otherwise."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from ..adapter import Bot, MessageEvent
from ..butler import Butler, Turn
from ..config import Settings, SettingsError
from ..delivery import Lease, Outbox
from ..storage import Database
from .bots import Bots

if TYPE_CHECKING:
    from .llm import Llm

_EXTRA = ("pydantic_ai", "openai", "httpx2")


def model_for(
    settings: Settings,
    database: Database,
    lease: Lease,
    outbox: Outbox,
    bots: Bots,
    butler: Butler | None,
    turn_of: Callable[[Bot, MessageEvent, str], Turn],
) -> "Llm | None":
    """See `Llm`; None: another brain is configured.

    Raises:
        SettingsError: There is no such model, or its packages are not installed.
    """
    if settings.butler != "llm" or butler is None:
        return None
    try:
        from .llm import Llm
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in _EXTRA:
            raise
        raise SettingsError(
            "FEISHU_WS__BUTLER=llm needs more packages: pip install 'nonebot-plugin-feishu-ws[llm]'"
        ) from None
    return Llm(settings, database, lease, outbox, bots, butler, turn_of)
