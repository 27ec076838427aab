"""The long connection: Feishu's WebSocket protocol, spoken from one outbound connection per app.

    connection = LongConnection(Credentials(app_id, app_secret), "feishu", handler, session=session)
    connection.start()
    ...
    await connection.stop()

Knows nothing of NoneBot nor of the rest of the plugin. What can go wrong is drawn in `errors`.
"""

from .bootstrap import BootstrapPacer, Endpoint, fetch_endpoint
from .codec import Ack, Inbound
from .connection import LongConnection, State, Status
from .errors import BootstrapError, GatewayError, GaveUpError, HandshakeError, LinkError, Reason
from .link import Handler
from .policy import ReconnectPolicy, ServerConfig
from .settings import Credentials, Limits, Timings
from .urls import normalise_base_url, proxy_for

__all__ = [
    "Ack",
    "BootstrapError",
    "BootstrapPacer",
    "Credentials",
    "Endpoint",
    "GatewayError",
    "GaveUpError",
    "Handler",
    "HandshakeError",
    "Inbound",
    "Limits",
    "LinkError",
    "LongConnection",
    "Reason",
    "ReconnectPolicy",
    "ServerConfig",
    "State",
    "Status",
    "Timings",
    "fetch_endpoint",
    "normalise_base_url",
    "proxy_for",
]
