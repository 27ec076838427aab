"""Where to connect, and through what."""

import ipaddress
from urllib.request import getproxies, proxy_bypass

from yarl import URL

_PLATFORMS = {"feishu": "https://open.feishu.cn", "lark": "https://open.larksuite.com"}
_VALID = (
    "valid are: feishu, lark, https://HOST[:PORT], wss://HOST[:PORT]/... (its host is taken), "
    "and plain http:// or ws:// to the loopback only"
)
_PLAIN = {"https": "https", "http": "http", "wss": "https", "ws": "http"}


def is_loopback(host: str | None) -> bool:
    """Whether the host can only be this machine, by name or number; nothing is looked up."""
    if not host:
        return False
    host = host.lower().rstrip(".")
    if host == "localhost" or host.endswith(".localhost"):  # RFC 6761, 6.3
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def is_private(url: URL) -> bool:
    """Whether what is sent to this URL is encrypted, or does not leave the machine."""
    return url.scheme in ("https", "wss") or is_loopback(url.host)


def normalise_base_url(value: str) -> str:
    """The open platform's base URL (contract.md, `FEISHU_WS__URL`), without a slash at its end.

    Raises:
        ValueError: it is none of the valid forms, which the message names. The value is not quoted: it may
            hold a secret.
    """
    name = value.strip().lower()
    if name in _PLATFORMS:
        return _PLATFORMS[name]
    try:
        url = URL(value.strip())
    except ValueError:
        raise ValueError(f"the platform URL is no URL; {_VALID}") from None
    if url.scheme not in _PLAIN or not url.host or url.user is not None or url.password is not None:
        raise ValueError(f"the platform URL is not usable; {_VALID}")
    if not is_private(url):
        raise ValueError(f"the platform URL is plain {url.scheme}:// to a remote host; {_VALID}")
    if url.scheme in ("ws", "wss"):
        return str(url.origin().with_scheme(_PLAIN[url.scheme]))
    if url.query_string or url.fragment:
        raise ValueError(f"the platform URL has a query or fragment; {_VALID}")
    return str(url).rstrip("/")


def check_proxy(proxy: str) -> str:
    """An HTTP proxy's URL, as given.

    Raises:
        ValueError: not an `http://` or `https://` URL. The value is not quoted: it may hold a password.
    """
    try:
        url = URL(proxy)
    except ValueError:
        raise ValueError("the proxy is no URL") from None
    if url.scheme not in ("http", "https") or not url.host:
        raise ValueError("the proxy must be http://[USER:PASSWORD@]HOST:PORT or https://…")
    return proxy


def proxy_for(url: URL | str, proxy: str | None) -> str | None:
    """The proxy to reach a URL through, None for none.

    One that was asked for is always used. Otherwise the environment decides (`HTTPS_PROXY`, for `wss://` too;
    `HTTP_PROXY`; `NO_PROXY`), except that the loopback is never sent to a proxy: there it would be the
    proxy's own.

    Raises:
        ValueError: the environment names a proxy we cannot speak to.
    """
    if proxy is not None:
        return proxy
    url = URL(url)
    if url.host is None or is_loopback(url.host) or proxy_bypass(url.host):
        return None
    found = getproxies().get(_PLAIN.get(url.scheme, ""))
    return check_proxy(found) if found else None
