"""Proxies and certificates of the environment: unusable ones are named, and loopback uses none."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator

import pytest

from kalshi_pipeline.errors import ConfigurationError, TransientExchangeError
from kalshi_pipeline.exchange.client import KalshiClient
from kalshi_pipeline.exchange.connecting import open_http, proxy_variable
from kalshi_pipeline.sandbox import Sandbox, World, WorldConfig
from kalshi_pipeline.vocabulary import StatusFilter

LIVE = "https://external-api.kalshi.com/trade-api/v2"
PROXY_NAMES = ("http_proxy", "https_proxy", "all_proxy", "no_proxy")


@pytest.fixture(autouse=True)
def _no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in PROXY_NAMES:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(World(WorldConfig(markets=5, combos=0))) as running:
        yield running


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        (
            "ALL_PROXY",
            "socks5://user:secret@127.0.0.1:1080",
            "names a SOCKS proxy, which is not supported",
        ),
        ("https_proxy", "socks5h://127.0.0.1:1080", "names a SOCKS proxy, which is not supported"),
        ("HTTP_PROXY", "ftp://user:secret@x:1", "names a proxy of an unknown kind (ftp://)"),
        ("HTTPS_PROXY", "htp://x:1", "names a proxy of an unknown kind (htp://)"),
        ("HTTPS_PROXY", "http://user:secret@x:port", "is not the address of a proxy (InvalidURL)"),
        ("HTTPS_PROXY", "http://x:99999999", "is not the address of a proxy (ValueError)"),
        ("HTTPS_PROXY", "http://", "names a proxy without a host"),
        ("NO_PROXY", "localhost,fe80::/10", "has an entry that cannot be used, fe80::/10"),
        ("no_proxy", "[::1]", "has an entry that cannot be used, [::1]"),
    ],
)
@pytest.mark.parametrize("url", [LIVE, "http://127.0.0.1:9/trade-api/v2"], ids=["live", "loopback"])
def test_proxy_that_cannot_be_used_is_named_before_the_first_request(
    monkeypatch: pytest.MonkeyPatch, url: str, name: str, value: str, reason: str
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(ConfigurationError) as refusal:
        KalshiClient(url)
    (problem,) = refusal.value.problems
    assert problem.startswith(f"{name} {reason}")
    assert "secret" not in problem


def test_every_proxy_that_cannot_be_used_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "ftp://x:1")
    monkeypatch.setenv("HTTPS_PROXY", "socks4://x:1")
    with pytest.raises(ConfigurationError) as refusal:
        KalshiClient(LIVE)
    assert [problem.split()[0] for problem in refusal.value.problems] == ["HTTP_PROXY", "HTTPS_PROXY"]


@pytest.mark.parametrize(
    "entry",
    ["localhost", "127.0.0.1", "::1", "10.0.0.0/8", ".kalshi.com", "host:80", "*", " a , b ", "http://x"],
)
def test_readable_proxy_exceptions_are_used(monkeypatch: pytest.MonkeyPatch, entry: str) -> None:
    monkeypatch.setenv("NO_PROXY", entry)
    monkeypatch.setenv("HTTPS_PROXY", "proxy.test:3128")
    open_http(LIVE, 1).close()


@pytest.mark.parametrize(
    ("url", "variable"),
    [
        (LIVE, "HTTPS_PROXY"),
        ("http://exchange.test/v2", "all_proxy"),
        ("https://excepted.test/v2", None),
        ("http://127.0.0.1:8765/v2", None),
        ("http://127.9.9.9:8765/v2", None),
        ("http://localhost:8765/v2", None),
        ("http://LOCALHOST.:8765/v2", None),
        ("http://api.localhost/v2", None),
        ("http://[::1]:8765/v2", None),
        ("http://[::ffff:127.0.0.1]:8765/v2", None),
        ("https://localhost/v2", None),
        ("http://128.0.0.1/v2", "all_proxy"),
        ("http://localhost.test/v2", "all_proxy"),
    ],
)
def test_loopback_and_exceptions_are_asked_directly(
    monkeypatch: pytest.MonkeyPatch, url: str, variable: str | None
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy.test:1")
    monkeypatch.setenv("all_proxy", "http://proxy.test:2")
    monkeypatch.setenv("NO_PROXY", "excepted.test")
    with open_http(url, 1) as client:
        assert proxy_variable(client, url) == variable


def test_sandbox_is_asked_directly(monkeypatch: pytest.MonkeyPatch, sandbox: Sandbox) -> None:
    for name in ("HTTP_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    with KalshiClient(sandbox.url, retry_seconds=0) as client:
        listing = client.list_markets(
            status=StatusFilter.OPEN, mve_filter="exclude", max_pages=None, walk_seconds=60
        )
        assert sum(len(page.records) for page in listing) == 5


def test_proxy_that_does_not_answer_is_named_without_its_password(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://user:secret@127.0.0.1:9")
    with (
        KalshiClient("http://exchange.test/v2", retry_seconds=0) as client,
        pytest.raises(TransientExchangeError) as failure,
    ):
        client.fetch_market("M")
    assert re.search(
        "could not be reached through the proxy of HTTP_PROXY .*check that HTTP_PROXY", str(failure.value)
    )
    assert "secret" not in str(failure.value)


# In a separate process, because certificates are read once.
OPEN = """
from kalshi_pipeline.errors import ConfigurationError
from kalshi_pipeline.exchange.client import KalshiClient
try:
    KalshiClient("https://exchange.test/v2").__exit__()
except ConfigurationError as error:
    print(*error.problems)
"""


@pytest.mark.parametrize(
    ("name", "value", "problem"),
    [
        (
            "SSL_CERT_FILE",
            "/nonexistent.pem",
            "SSL_CERT_FILE=/nonexistent.pem cannot be used: No such file",
        ),
        ("SSL_CERT_FILE", "/", "SSL_CERT_FILE=/ cannot be used: Is a directory"),
        (
            "SSL_CERT_FILE",
            __file__,
            f"SSL_CERT_FILE={__file__} cannot be used: [X509: NO_CERTIFICATE_OR_CRL_FOUND]",
        ),
        ("SSL_CERT_DIR", "/nonexistent", "SSL_CERT_DIR=/nonexistent is not a folder"),
        (
            "SSLKEYLOGFILE",
            "/nonexistent/log",
            "SSLKEYLOGFILE=/nonexistent/log cannot be used: No such file",
        ),
    ],
    ids=["missing", "folder", "no certificates", "missing folder", "missing log"],
)
def test_certificates_that_cannot_be_read_are_named(name: str, value: str, problem: str) -> None:
    kept = {key: text for key, text in os.environ.items() if not key.startswith("SSL")}
    done = subprocess.run(
        [sys.executable, "-c", OPEN], env={**kept, name: value}, capture_output=True, text=True, check=True
    )
    assert done.stdout.startswith(problem)
    assert done.stdout.endswith("; correct it or unset it\n")
