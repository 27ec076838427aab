"""What is agreed about tokens (docs/rest.md)."""

AUDIENCE = "feishu-ws"
LONGEST_LIFE = 24 * 3600
"""Seconds a JWT may be good for: nothing but a change of the secret takes one back."""
LEEWAY = 30
"""Seconds by which the clocks of two machines may differ."""
API_TOKEN = "api-token"  # noqa: S105 - a name
"""Who the token from the settings is, in the log."""
