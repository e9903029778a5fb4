"""The client checks the exchange's certificate."""

import http.server
import ssl
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from kalshi_pipeline.errors import TransientExchangeError
from kalshi_pipeline.exchange.client import KalshiClient

# A self-signed certificate, made for this test.
CERTIFICATE = """\
-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgPg1FMX5X6VtaiMw7
G0js0qTFKs6wC16jJ3BtQ5sII72hRANCAARqKjy6kIyFuG4oB6IR2Z4mwV3pFRyn
9JUaQuMsMMxnimPOrsjFTx2niPlpW39bPwBeY9SOQm+ljHW56MzROLm8
-----END PRIVATE KEY-----
-----BEGIN CERTIFICATE-----
MIIBmzCCAUGgAwIBAgIUTSKq9HQahl9vy1KbKyMXA3a9K9kwCgYIKoZIzj0EAwIw
FDESMBAGA1UEAwwJbG9jYWxob3N0MCAXDTI2MTEyNzAxMTMxNloYDzIxMjYxMTAz
MDExMzE2WjAUMRIwEAYDVQQDDAlsb2NhbGhvc3QwWTATBgcqhkjOPQIBBggqhkjO
PQMBBwNCAARqKjy6kIyFuG4oB6IR2Z4mwV3pFRyn9JUaQuMsMMxnimPOrsjFTx2n
iPlpW39bPwBeY9SOQm+ljHW56MzROLm8o28wbTAdBgNVHQ4EFgQUkN/C3huQ+AmW
mMJCcSAMXNB+5YswHwYDVR0jBBgwFoAUkN/C3huQ+AmWmMJCcSAMXNB+5YswDwYD
VR0TAQH/BAUwAwEB/zAaBgNVHREEEzARhwR/AAABgglsb2NhbGhvc3QwCgYIKoZI
zj0EAwIDSAAwRQIhALNmolxiYmDvFHcN6MlBY7BGjp0fwj9SMHjx8VQNgJ9KAiAJ
Ff9w/8V0x3h73ydrN2zbgpufRpL1U2Tz/qppdbV7dg==
-----END CERTIFICATE-----
"""


@pytest.fixture
def impostor(tmp_path: Path) -> Iterator[str]:
    """An HTTPS server with a self-signed certificate."""
    file = tmp_path / "certificate.pem"
    file.write_text(CERTIFICATE, encoding="ascii")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)
    with http.server.HTTPServer(("127.0.0.1", 0), http.server.BaseHTTPRequestHandler) as server:
        server.socket = context.wrap_socket(server.socket, server_side=True)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"https://127.0.0.1:{server.server_port}/trade-api/v2"
        server.shutdown()
        thread.join()


def test_exchange_with_an_unknown_certificate_is_not_believed(impostor: str) -> None:
    with (
        KalshiClient(impostor, retry_seconds=0) as client,
        pytest.raises(TransientExchangeError, match="CERTIFICATE_VERIFY_FAILED"),
    ):
        client.fetch_series("KXRAIN")
