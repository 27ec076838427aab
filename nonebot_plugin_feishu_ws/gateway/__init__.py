"""The ways in. The long connection: Feishu's WebSocket protocol, spoken from one outbound connection per app.

    connection = LongConnection(Credentials(app_id, app_secret), "feishu", handler, session=session)
    connection.start()
    ...
    await connection.stop()

And the webhook, for those who can be reached from outside: `Webhook` answers what an HTTP server of theirs was sent.

Knows nothing of NoneBot nor of the rest of the plugin. What can go wrong is drawn in `errors`.
"""

from .bootstrap import BootstrapPacer, Endpoint, fetch_endpoint
from .codec import Ack, Inbound
from .connection import LongConnection, State, Status
from .errors import BootstrapError, GatewayError, GaveUpError, HandshakeError, LinkError, Reason
from .link import Handler
from .listener import NOT_HERE, TOO_LARGE, Nonces, Response, Webhook
from .policy import ReconnectPolicy, ServerConfig
from .settings import Credentials, Limits, Timings
from .urls import normalise_base_url, proxy_for
from .webhook import LARGEST, Keys

__all__ = [
    "LARGEST",
    "NOT_HERE",
    "TOO_LARGE",
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
    "Keys",
    "Limits",
    "LinkError",
    "LongConnection",
    "Nonces",
    "Reason",
    "ReconnectPolicy",
    "Response",
    "ServerConfig",
    "State",
    "Status",
    "Timings",
    "Webhook",
    "fetch_endpoint",
    "normalise_base_url",
    "proxy_for",
]
