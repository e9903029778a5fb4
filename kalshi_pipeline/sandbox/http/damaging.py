"""Sends damaged bodies: compressed data with wrong bytes, and half of an answer."""

from starlette.types import Message, Send

from kalshi_pipeline.sandbox.faults.damage import Damage

_WRONG_BYTES = 16


def damaging(send: Send, damage: Damage) -> Send:
    """Send answers with damaged bodies. Answers that are not compressed keep their bytes."""
    start: Message = {}

    async def send_damaged(message: Message) -> None:
        nonlocal start
        if message["type"] == "http.response.start":
            start = message  # until the body is known
            return
        headers, body = dict(start["headers"]), message.get("body", b"")
        if damage is Damage.SHORT_LENGTH:
            body = body[: len(body) // 2]
            headers[b"content-length"] = str(len(body)).encode()
        elif headers.get(b"content-encoding") == b"gzip":
            body = _with_wrong_bytes(body)
        await send({**start, "headers": list(headers.items())})
        await send({**message, "body": body})

    return send_damaged


def _with_wrong_bytes(body: bytes) -> bytes:
    middle = len(body) // 2
    wrong = bytes(byte ^ 0xFF for byte in body[middle : middle + _WRONG_BYTES])
    return body[:middle] + wrong + body[middle + _WRONG_BYTES :]
