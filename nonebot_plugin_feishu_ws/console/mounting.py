"""What is mounted on an app, and where."""

from fastapi import FastAPI

from ..config import Settings
from ..runtime import Runtime
from . import pages, rest
from .accesslog import leave_queries_out
from .auth import Gate


def mount(app: FastAPI, place: int, runtime: Runtime, settings: Settings) -> None:
    """Add our routes to an app. Once; before it serves.

    Args:
        app: Anybody's; nothing is changed but what begins with our own paths.
        place: How many of its routes come before ours. Somebody's may take whatever is left.
        runtime: What is looked at and managed; it need not have started.
        settings: As loaded.
    """
    leave_queries_out()
    gate = Gate(settings)
    routes = app.router.routes
    others = len(routes)
    app.include_router(rest.router(runtime.management, gate, settings))
    pages.attach(app, runtime.management, settings, gate.failures)
    ours = routes[others:]
    del routes[others:]
    routes[place:place] = ours
