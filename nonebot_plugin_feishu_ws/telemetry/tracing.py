"""Traces for OpenTelemetry, where its packages are installed; nothing otherwise.

An event's trace id is made from the event, so that every process that has to do with it, before or after a crash,
writes into one trace, and the log's lines name it whether there are traces or not. The event itself, as Feishu has sent
it, is the root: the parent, in another system, of what is done here. Spans carry names and numbers; never contents, ids
of people, or what exceptions have to say.
"""

from collections.abc import Generator, Mapping
from contextlib import contextmanager
from enum import Enum
from functools import cache
from hashlib import sha256
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from opentelemetry.context import Context
    from opentelemetry.trace import Tracer

Value = str | int | float | bool


class Kind(Enum):
    """Of spans, as OpenTelemetry names them."""

    INTERNAL = "INTERNAL"
    CLIENT = "CLIENT"
    CONSUMER = "CONSUMER"


class Span(Protocol):
    """What is under way."""

    def set_attribute(self, key: str, value: Value) -> None:
        """Add a fact."""
        ...


class _NoSpan:
    def set_attribute(self, key: str, value: Value) -> None: ...


def trace_id_of(app_id: str, event_id: str) -> str:
    """The trace of an event: 32 hexadecimal digits (W3C Trace Context)."""
    return _ids(app_id, event_id)[:32]


@contextmanager
def span(name: str, kind: Kind = Kind.INTERNAL, **attributes: Value) -> Generator[Span]:
    """Something that takes time. What is raised inside marks it as failed, by the type of the exception alone.

    Args:
        name: Of few; what varies are attributes.
        kind: Where the work is done.
        attributes: Facts; `__` in their names stands for a dot.
    """
    tracer = _tracer()
    if tracer is None:
        yield _NoSpan()
        return
    from opentelemetry.trace import SpanKind, Status, StatusCode

    with tracer.start_as_current_span(
        name,
        kind=SpanKind[kind.value],
        attributes=_dotted(attributes),
        record_exception=False,  # its text may quote what was said
        set_status_on_exception=False,
    ) as current:
        try:
            yield current
        except BaseException as error:
            current.set_attribute("error.type", type(error).__name__)
            current.set_status(Status(StatusCode.ERROR))
            raise


def collected() -> bool:
    """Whether anybody collects spans, as far as it is known now."""
    return _tracer() is not None


@contextmanager
def belonging_to(app_id: str, event_id: str) -> Generator[None]:
    """What is begun inside belongs to the trace of an event. Where spans are `collected`."""
    from opentelemetry import context

    token = context.attach(_rooted(app_id, event_id))
    try:
        yield
    finally:
        context.detach(token)


def _rooted(app_id: str, event_id: str) -> "Context":
    from opentelemetry.trace import NonRecordingSpan, SpanContext, TraceFlags, set_span_in_context

    ids = _ids(app_id, event_id)
    root = SpanContext(
        int(ids[:32], 16), int(ids[32:48], 16), is_remote=True, trace_flags=TraceFlags(TraceFlags.SAMPLED)
    )
    return set_span_in_context(NonRecordingSpan(root))


def _ids(app_id: str, event_id: str) -> str:
    return sha256(f"{app_id}\0{event_id}".encode("utf-8", "surrogatepass")).hexdigest()


def _dotted(attributes: Mapping[str, Value]) -> dict[str, Value]:
    return {name.replace("__", "."): value for name, value in attributes.items()}


def _tracer() -> "Tracer | None":
    """None: nobody collects spans, as far as it is known now."""
    api = _api()
    if api is None or isinstance(provider := api.get_tracer_provider(), api.ProxyTracerProvider):
        return None
    return provider.get_tracer("nonebot_plugin_feishu_ws")


@cache
def _api() -> ModuleType | None:
    try:
        return import_module("opentelemetry.trace")
    except ImportError:
        return None
