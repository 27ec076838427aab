"""Stock models of notices, loosened: a field that is missing, null or of another shape loses no event."""

from functools import cache
from types import UnionType
from typing import Annotated, Any, Union, cast, get_args, get_origin

from nonebot.adapters import feishu as stock
from nonebot.adapters.feishu.models import UserId
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, create_model

from .events import NoticeEvent
from .normalise import as_text

_Text = Annotated[str, BeforeValidator(as_text)]


class _LenientUserId(UserId):
    open_id: _Text = ""
    union_id: _Text = ""
    user_id: _Text = ""


class _Open(BaseModel):
    model_config = ConfigDict(extra="allow")


@cache
def lenient_notice(model: type[stock.Event]) -> type[NoticeEvent]:
    """A subclass of the stock (or a plugin's own) event class, with `NoticeEvent` and a loosened `event`.

    What the stock model wants and Feishu did not send is None; what it does not know is kept.
    """
    detail = cast("Any", model.model_fields["event"].annotation)
    return cast(
        "type[NoticeEvent]",
        create_model(
            model.__name__,
            __base__=(NoticeEvent, model),
            __module__=__name__,
            __doc__=model.__doc__,
            event=(_loosened(detail), ...),
        ),
    )


@cache
def _lenient(model: type[BaseModel]) -> type[BaseModel]:
    if issubclass(model, UserId):
        return _LenientUserId
    fields: dict[str, Any] = {
        name: (_anything_but(_loosened(field.annotation)), None) for name, field in model.model_fields.items()
    }
    return create_model(model.__name__, __base__=(model, _Open), __module__=__name__, **fields)


def _loosened(annotation: Any) -> Any:
    """The annotation with every model in it replaced by its lenient subclass."""
    if isinstance(annotation, type) and get_origin(annotation) is None:
        cls = cast("type[object]", annotation)
        return _lenient(cls) if issubclass(cls, BaseModel) else cls
    arguments = tuple(_anything_but(_loosened(argument)) for argument in get_args(annotation))
    match get_origin(annotation):
        case origin if origin in (Union, UnionType):
            return Union[arguments]  # noqa: UP007 (made at run time)
        case origin if origin is list:
            return list.__class_getitem__(arguments)
        case _:
            return annotation


def _anything_but(annotation: Any) -> Any:
    """The annotation if the value fits, else the value as it is."""
    if annotation in (Any, type(None)):
        return annotation
    return Annotated[Union[annotation, None, Any], Field(union_mode="left_to_right")]  # noqa: UP007, RUF036 (order matters)
