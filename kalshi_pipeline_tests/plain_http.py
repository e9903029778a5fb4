"""Plain HTTP to a local exchange, without any code of the pipeline."""

from collections.abc import Mapping
from typing import Any

import httpx

# Loopback uses http, so no certificates are read, which would take longer than most of these requests.
_NO_CERTIFICATES = httpx.create_ssl_context(verify=False)
UNCOMPRESSED = {"accept-encoding": "identity"}


def get(url: str, params: Mapping[str, Any] | None = None) -> httpx.Response:
    return httpx.get(url, params=params, headers=UNCOMPRESSED, verify=_NO_CERTIFICATES)


def open_client(base_url: str, headers: Mapping[str, str] | None = None) -> httpx.Client:
    return httpx.Client(base_url=base_url, headers=headers, verify=_NO_CERTIFICATES)


def open_transport() -> httpx.HTTPTransport:
    """Return a transport to which a test's own transport forwards requests."""
    return httpx.HTTPTransport(verify=_NO_CERTIFICATES)
