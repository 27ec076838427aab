"""The web console: pages made by the server, kept up to date by htmx."""

from functools import cache
from typing import TYPE_CHECKING

from fastapi import FastAPI
from starlette.routing import Route as ServedRoute

from ...config import Settings
from ...runtime import Management
from ..auth import Failures
from ..auth.sessions import Sessions
from .live import Watch
from .routes import ROUTES
from .serving import endpoint
from .visit import Console

if TYPE_CHECKING:
    from jinja2 import Environment

__all__ = ["attach"]


def attach(app: FastAPI, management: Management, settings: Settings, failures: Failures) -> None:
    """Add the console's pages to an app.

    Args:
        app: Anybody's.
        management: What is looked at and managed; it need not have started.
        settings: As loaded.
        failures: Attempts that failed, shared by all ways in.
    """
    console = Console(
        management=management,
        settings=settings,
        sessions=Sessions(management.database, management.clock),
        failures=failures,
        watch=Watch(management.database),
        templates=_templates,
    )
    app.router.routes.extend(
        ServedRoute(route.path, endpoint(console, route), methods=[route.method], include_in_schema=False)
        for route in ROUTES
    )


@cache
def _templates() -> "Environment":
    from .rendering import templates  # Jinja is 2 MiB, which a console nobody opens does without

    return templates()
