"""A plain walk over the pages of a listing, written without the project's own client."""

from typing import Any

import httpx

Row = dict[str, Any]


def read(client: httpx.Client, path: str, **parameters: object) -> dict[str, Any]:
    """Return the JSON object of an answer, which must have status 200."""
    response = client.get(path, params={name: str(value) for name, value in parameters.items()})
    assert response.status_code == 200, response.text
    answer: dict[str, Any] = response.json()
    return answer


def read_pages(client: httpx.Client, path: str, key: str, **parameters: object) -> list[list[Row]]:
    """Return the rows of every page, until the cursor is empty."""
    pages: list[list[Row]] = []
    cursor = ""
    while True:
        answer = read(client, path, **parameters, **({"cursor": cursor} if cursor else {}))
        pages.append(answer[key])
        assert len(pages) < 1_000, "the walk does not end"
        if not (cursor := answer["cursor"]):
            return pages


def walk(client: httpx.Client, path: str, key: str, **parameters: object) -> list[Row]:
    return [row for page in read_pages(client, path, key, **parameters) for row in page]
