"""Where we connect, and where we refuse to."""

import pytest
from yarl import URL

from nonebot_plugin_feishu_ws.gateway import normalise_base_url
from nonebot_plugin_feishu_ws.gateway.urls import is_loopback, proxy_for


@pytest.mark.parametrize(
    ("value", "base"),
    [
        ("feishu", "https://open.feishu.cn"),
        (" Lark ", "https://open.larksuite.com"),
        ("https://open.feishu.cn/", "https://open.feishu.cn"),
        ("https://feishu.example.com:8443/mirror/", "https://feishu.example.com:8443/mirror"),
        ("wss://open.feishu.cn/ws/v2?ticket=x", "https://open.feishu.cn"),
        ("wss://proxy.example.com:9443/ws", "https://proxy.example.com:9443"),
        ("ws://127.0.0.1:41234/ws", "http://127.0.0.1:41234"),
        ("http://127.0.0.1:41234", "http://127.0.0.1:41234"),
        ("http://localhost:1", "http://localhost:1"),
        ("http://[::1]:1", "http://[::1]:1"),
    ],
)
def test_base_urls(value, base):
    assert normalise_base_url(value) == base


@pytest.mark.parametrize(
    "value",
    [
        "",
        "dingtalk",
        "open.feishu.cn",
        "http://open.feishu.cn",
        "ws://open.feishu.cn",
        "http://127.0.0.1.evil.example",
        "http://localhost.evil.example",
        "http://0.0.0.0:80",
        "http://[::ffff:10.0.0.1]",
        "ftp://127.0.0.1",
        "https://",
        "https://user:canary@open.feishu.cn",
        "https://open.feishu.cn?canary=1",
        "https://open.feishu.cn/#canary",
        "https://[broken",
    ],
)
def test_refused_base_urls_name_the_valid_ones_and_quote_nothing(value):
    with pytest.raises(ValueError, match="feishu, lark, https://HOST") as raised:
        normalise_base_url(value)
    assert "canary" not in str(raised.value)


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST.", "a.localhost", "127.0.0.1", "127.9.9.9", "::1"])
def test_loopback(host):
    assert is_loopback(host)


@pytest.mark.parametrize(
    "host", [None, "", "localhost.example", "10.0.0.1", "169.254.169.254", "0.0.0.0", "2130706433"]
)
def test_not_loopback(host):
    assert not is_loopback(host)


REMOTE = URL("wss://msg-frontier.feishu.cn/ws/v2?ticket=x")


def test_the_proxy_asked_for_is_used(monkeypatch):
    monkeypatch.setenv("NO_PROXY", "*")
    assert proxy_for(REMOTE, "http://p:1") == "http://p:1"
    assert proxy_for(URL("http://127.0.0.1/"), "http://p:1") == "http://p:1"


@pytest.mark.parametrize("name", ["HTTPS_PROXY", "https_proxy"])
def test_https_proxy_of_the_environment_serves_wss(monkeypatch, name):
    monkeypatch.setenv(name, "http://p:1")
    assert proxy_for(REMOTE, None) == "http://p:1"
    assert proxy_for(URL("https://open.feishu.cn"), None) == "http://p:1"


def test_no_proxy_and_the_loopback_go_direct(monkeypatch):
    monkeypatch.setenv("HTTPS_PROXY", "http://p:1")
    monkeypatch.setenv("HTTP_PROXY", "http://p:1")
    assert proxy_for(URL("ws://127.0.0.1:1/ws"), None) is None
    assert proxy_for(URL("http://localhost:1/"), None) is None
    monkeypatch.setenv("NO_PROXY", "internal.example,.feishu.cn")
    assert proxy_for(REMOTE, None) is None
    assert proxy_for(URL("wss://open.larksuite.com"), None) == "http://p:1"


def test_no_environment_no_proxy():
    assert proxy_for(REMOTE, None) is None


def test_a_proxy_we_cannot_speak_to_is_an_error_not_a_direct_connection(monkeypatch):
    monkeypatch.setenv("HTTPS_PROXY", "socks5://user:canary@p:1")
    with pytest.raises(ValueError, match="http") as raised:
        proxy_for(REMOTE, None)
    assert "canary" not in str(raised.value)


@pytest.mark.parametrize("proxy", ["socks5://p:1", "p:1", "http://", "http://[x", ""])
async def test_a_wrong_proxy_is_refused_at_once(connect, proxy):
    with pytest.raises(ValueError, match="proxy"):
        connect("feishu", proxy=proxy)


async def test_a_wrong_base_url_is_refused_at_once(connect):
    with pytest.raises(ValueError, match="valid are"):
        connect("http://open.feishu.cn")
