"""The HTTP client with this computer's proxies and certificates.

An unusable one is reported as a configuration error with its variable, before the first request. Passwords are never
shown.
"""

import ipaddress
import os
import ssl
from collections.abc import Iterator
from functools import cache
from importlib.metadata import version
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import getproxies

import httpx

from kalshi_pipeline.errors import ConfigurationError
from kalshi_pipeline.exchange.replies import without_secrets
from kalshi_pipeline.quoting import cut

_CONNECT_SECONDS = 10
_PROXY_SCHEMES = ("http", "https", "socks5", "socks5h")
_CERTIFICATES = ("SSL_CERT_FILE", "SSL_CERT_DIR", "SSLKEYLOGFILE")


def open_http(
    api_url: str, timeout_seconds: float, http_transport: httpx.BaseTransport | None = None
) -> httpx.Client:
    """Return a client for one address.

    Raises ConfigurationError if the address, a proxy or a certificate is unusable. Requests to loopback never use a
    proxy.
    """
    is_loopback = _is_loopback(_checked_address(api_url))
    if problems := list(_proxy_problems()):
        raise ConfigurationError(problems)
    return httpx.Client(
        timeout=httpx.Timeout(timeout_seconds, connect=min(timeout_seconds, _CONNECT_SECONDS)),
        headers={
            "User-Agent": f"kalshi-pipeline/{version('kalshi-pipeline')}",
            "Accept": "application/json",
        },
        transport=http_transport,
        verify=_certificates(),
        trust_env=not is_loopback,
    )


def proxy_variable(client: httpx.Client, api_url: str) -> str | None:
    """Return the variable of the proxy that a client uses for an address; None for a direct connection."""
    url = httpx.URL(api_url)
    # httpx has no public way to find the transport that it would choose.
    if client._transport_for_url(url) is client._transport:  # noqa: SLF001  (as said above)
        return None
    scheme = url.scheme if url.scheme in getproxies() else "all"
    return _name_of(scheme)


def _checked_address(api_url: str) -> httpx.URL:
    try:
        url = httpx.URL(api_url)
    except httpx.InvalidURL as error:
        raise ConfigurationError([f"KALSHI_API_URL is not a usable address: {error}; change it"]) from error
    if url.scheme not in ("http", "https") or not url.host:
        raise ConfigurationError(
            [f"KALSHI_API_URL={without_secrets(url)} is not an http:// or https:// address; change it"]
        )
    return url


def _is_loopback(url: httpx.URL) -> bool:
    host = url.host.rstrip(".").lower()
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return False
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return (mapped or address).is_loopback


@cache
def _certificates() -> ssl.SSLContext:
    """Return the SSL context as httpx creates it. This takes some 20 ms, so it is cached per process."""
    folder = os.environ.get("SSL_CERT_DIR")
    if folder and not os.environ.get("SSL_CERT_FILE") and not Path(folder).is_dir():
        raise ConfigurationError([_unusable("SSL_CERT_DIR", "is not a folder")])
    try:
        return httpx.create_ssl_context()
    except (OSError, ValueError) as error:  # those of `ssl` are OSErrors
        name = next((name for name in _CERTIFICATES if _is_to_blame(name, error)), "SSL_CERT_FILE")
        reason = error.strerror or "cannot be read" if isinstance(error, OSError) else "cannot be read"
        raise ConfigurationError([_unusable(name, f"cannot be used: {reason}")]) from error


def _is_to_blame(name: str, error: Exception) -> bool:
    """Return whether an error is about a variable's file; errors of certificates do not name their file."""
    value = os.environ.get(name)
    named = getattr(error, "filename", None)
    return bool(value) and (named is None or str(named) == value)


def _unusable(name: str, reason: str) -> str:
    return f"{name}={cut(os.environ.get(name, ''))} {reason}; correct it or unset it"


def _proxy_problems() -> Iterator[str]:
    """Yield the problems of the environment's proxies, one line per variable."""
    found = getproxies()
    for scheme in ("http", "https", "all"):
        if value := found.get(scheme):
            reason = _proxy_problem(value if "://" in value else f"http://{value}")
            if reason is not None:
                yield f"{_name_of(scheme)} {reason}; correct it or unset it"
    for host in (host.strip() for host in found.get("no", "").split(",")):
        if host and host != "*" and not _can_be_excepted(host):
            yield (
                f"{_name_of('no')} has an entry that cannot be used, {cut(host)}: name hosts, domains and addresses "
                "without brackets or a prefix length"
            )


def _proxy_problem(value: str) -> str | None:
    """Return what is wrong with a proxy's address, without showing it, because it may contain a password."""
    try:
        scheme = httpx.URL(value).scheme
        if scheme not in _PROXY_SCHEMES:
            return f"names a proxy of an unknown kind ({cut(scheme)}://): use http:// or https://"
        if not httpx.URL(value).host or urlsplit(value).port == 0:  # ValueError past the last port
            return "names a proxy without a host"
        httpx.HTTPTransport(proxy=httpx.Proxy(value), verify=_certificates()).close()
    except ImportError:
        return "names a SOCKS proxy, which is not supported: use an http:// proxy"
    except (ValueError, httpx.InvalidURL) as error:
        return f"is not the address of a proxy ({type(error).__name__})"
    return None


def _can_be_excepted(host: str) -> bool:
    """Return whether httpx can parse an entry of NO_PROXY, by trying."""
    pattern = host if "://" in host else f"all://[{host}]" if _is_ipv6(host) else f"all://*{host}"
    try:
        httpx.Client(mounts={pattern: None}, verify=_certificates(), trust_env=False).close()
    except (ValueError, httpx.InvalidURL):
        return False
    return True


def _is_ipv6(host: str) -> bool:
    try:
        return ipaddress.ip_address(host.split("/")[0]).version == 6
    except ValueError:
        return False


def _name_of(scheme: str) -> str:
    """Return the variable as written in the environment. Lower case takes precedence, as in `getproxies`."""
    lower = f"{scheme}_proxy"
    return lower if os.environ.get(lower) else lower.upper()
