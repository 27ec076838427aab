"""Clicks for plugins: a matcher for an action, and what was clicked and filled in as typed parameters."""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Annotated, Any, Literal, cast

from nonebot import on_notice
from nonebot.adapters import Event
from nonebot.exception import FinishedException
from nonebot.matcher import Matcher
from nonebot.params import Depends
from nonebot.permission import Permission
from nonebot.rule import Rule
from nonebot.typing import T_PermissionChecker, T_RuleChecker
from pydantic import ValidationError, ValidatorFunctionWrapHandler, WrapValidator
from pydantic.fields import FieldInfo

from ..adapter import CardActionEvent, PlainRule, Toast
from ..texts.cards import CardTexts

logger = logging.getLogger("nonebot_plugin_feishu_ws.cards")


def on_card_action(
    action: str,
    *,
    rule: Rule | T_RuleChecker | None = None,
    permission: Permission | T_PermissionChecker | None = None,
    priority: int = 1,
    block: bool = True,
    temp: bool = False,
    expire_time: datetime | timedelta | None = None,
    state: dict[Any, Any] | None = None,
) -> type[Matcher]:
    """A matcher for clicks on buttons with the value `{"action": action, …}`, those that submit a form included.

    Anybody who sees the card can click, and can make up the value. Who it was is `event.operator`.

    Parameters:
        action: best with the plugin's name in it: all plugins' actions are in one room.
        rule, permission, priority, temp, expire_time, state: as in NoneBot's `on`.
        block: other matchers after this one do not see the click.
    """
    make = cast("Callable[..., type[Matcher]]", on_notice)  # its stub does not know `_depth`
    return make(
        rule=PlainRule(_ActionIs(action)) & rule,
        permission=permission,
        priority=priority,
        block=block,
        temp=temp,
        expire_time=expire_time,
        state=state,
        _depth=1,  # so that NoneBot learns whose matcher it is
    )


def CardAction() -> Any:  # noqa: N802 (NoneBot writes dependencies so)
    """The value of what was clicked: `deploy: Annotated[Deploy, CardAction()]`, or `deploy: Deploy = CardAction()`.

    Any type pydantic knows. If the value is not one, whoever clicked is told, a line is logged, and the matcher ends.
    """
    return Depends(_value, validate=_VALIDATED)


def FormValues() -> Any:  # noqa: N802
    """What was filled into the form that was submitted: `form: Annotated[DeployForm, FormValues()]`.

    As `CardAction`. Fields left empty count as not there, so that a model's defaults hold for them.
    """
    return Depends(_form, validate=_VALIDATED)


def failure() -> Toast:
    """What somebody sees whose click made a handler fail."""
    return _toast(lambda words: words.failed())


@dataclass(frozen=True, slots=True)
class _ActionIs:
    """Whether a click is one on a button for an action."""

    action: str

    def __call__(self, event: Event) -> bool:
        if not isinstance(event, CardActionEvent):
            return False
        value = event.action.value
        return isinstance(value, Mapping) and cast("Mapping[str, Any]", value).get("action") == self.action


@dataclass(frozen=True, slots=True)
class _Sent:
    """What came with a click, on its way to be validated. It may be a password."""

    event: CardActionEvent
    part: Literal["value", "form"]
    data: Any = field(repr=False)


async def _value(event: CardActionEvent) -> _Sent:
    return _Sent(event, "value", event.action.value)


async def _form(event: CardActionEvent) -> _Sent:
    filled = {name: value for name, value in event.action.form_value.items() if value not in ("", None, [])}
    return _Sent(event, "form", filled)


def _validated(sent: _Sent, check: ValidatorFunctionWrapHandler) -> Any:
    """Inside NoneBot's own check of a parameter, which would skip the handler without a word."""
    try:
        return check(sent.data)
    except ValidationError as error:
        found = [(".".join(map(str, each["loc"])), each["type"]) for each in error.errors()]
    names = ", ".join(dict.fromkeys(name for name, _ in found))
    logger.warning(
        "a click on %s is not handled: its %s is not valid: %s", sent.event.message_id, sent.part, found
    )
    if sent.part == "form":
        sent.event.respond_now(_toast(lambda words: words.unusable(names)))
    else:
        sent.event.respond_now(_toast(lambda words: words.unusable_button(names)))
    raise FinishedException


_VALIDATED = FieldInfo.from_annotation(cast("type[Any]", Annotated[Any, WrapValidator(_validated)]))


def _toast(say: Callable[[CardTexts], str]) -> Toast:
    """An error in the language of whoever sees it."""
    chinese, english = say(CardTexts("zh_CN")), say(CardTexts("en_US"))
    return Toast(type="error", content=english, i18n={"zh_cn": chinese, "en_us": english})
