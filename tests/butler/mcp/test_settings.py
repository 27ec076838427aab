"""What cannot be used as a setting is named; what was given is not shown."""

from typing import Any

import pytest
from pydantic import ValidationError

from nonebot_plugin_feishu_ws.config import Config, Settings, _explain

KEY = "canary-0123"


@pytest.mark.parametrize(
    ("servers", "words"),
    [
        ({"my_server": {"url": "https://h/"}}, "BUTLER_MCP: server name 'my_server': use a letter a-z"),
        ({"Git": {"url": "https://h/"}}, "BUTLER_MCP: server name 'Git'"),
        ({"git": {}}, "BUTLER_MCP.git: give either url or command"),
        ({"git": {"url": "https://h/", "command": KEY}}, "BUTLER_MCP.git: give either url or command"),
        ({"git": {"url": f"http://{KEY}.example/"}}, "BUTLER_MCP.git.url: use https: plain http is for this machine"),
        ({"git": {"url": f"https://u:{KEY}@h/"}}, "BUTLER_MCP.git.url: use an https URL without a user name"),
        ({"git": {"url": f"file:///{KEY}"}}, "BUTLER_MCP.git.url: use an https URL"),
        ({"git": {"url": "https://h/", "headers": {"Host": KEY}}}, "'Host' is no header that can be set here"),
        ({"git": {"url": "https://h/", "headers": {"A": f"{KEY}\r\nB: c"}}}, "the value of A must be printable"),
        ({"git": {"url": "https://h/", "headers": {"A": 5}}}, "BUTLER_MCP.git.headers.A: "),
        ({"git": {"url": "https://h/", "env": {"A": KEY}}}, "args and env are for a command"),
        ({"git": {"command": "git", "headers": {"A": KEY}}}, "headers are for a url"),
        ({"git": {"command": "git", "args": [f"\0{KEY}"]}}, "cannot contain NUL"),
        ({"git": {"command": "git", "trust": KEY}}, "git.trust: there is no such setting; valid names: allow, app"),
        ({"git": {"command": "git", "approvers": [KEY]}}, "BUTLER_MCP.git.approvers: use a list of open_ids"),
        ({"git": {"command": "git", "read_only": KEY}}, "BUTLER_MCP.git.read_only: use a JSON list"),
        ({"git": {"command": "git", "timeout": 0.5}}, "BUTLER_MCP.git.timeout: "),
        ([KEY], "BUTLER_MCP: "),
    ],
)  # fmt: skip
def test_what_does_not_fit(servers: Any, words: str) -> None:
    with pytest.raises(ValidationError) as error:
        Config.model_validate({"feishu_ws": {"butler_mcp": servers}})
    assert words in _explain(error.value)
    assert KEY not in _explain(error.value)


@pytest.mark.parametrize(
    "url", ["https://h/mcp", "http://127.0.0.1:1/", "http://[::1]/", "http://localhost:8/x"]
)
def test_what_fits(url: str) -> None:
    settings = Settings.model_validate({"butler_mcp": {"git": {"url": url, "headers": {"A": KEY}}}})
    assert settings.butler_mcp["git"].url == url
    assert KEY not in repr(settings) + str(settings.model_dump())
