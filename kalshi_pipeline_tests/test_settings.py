"""Settings: typed, from the environment and `.env`, and every problem reported at once before anything starts."""

import os
from pathlib import Path

import pytest

from kalshi_pipeline.errors import ConfigurationError
from kalshi_pipeline.scope import Combos
from kalshi_pipeline.settings import Settings, SnapshotMode, load_settings

DEFAULTS = {
    "api_url": "https://external-api.kalshi.com/trade-api/v2",
    "database_url": "sqlite:///data/kalshi.db",
    "requests_per_second": 15,
    "backfill_share": 0.5,
    "snapshot_minutes": 5,
    "snapshot_mode": SnapshotMode.CHANGES,
    "keyframe_hours": 24,
    "combos": Combos.EXCLUDE,
    "series": (),
    "max_pages": None,
    "timeout_seconds": 30,
    "retry_seconds": 30,
    "max_response_mb": 64.0,
    "windows": 8,
    "walk_seconds": 900,
    "event_lookups": 20,
    "healing_requests": 300,
    "reconcile_requests": None,
    "placeholder_hours": 24,
    "quarantine_share": 0.01,
    "quarantine_mb": 256.0,
    "run_history_days": 7,
    "fork_runs": True,
    "candlestick_series": (),
    "candlestick_markets": (),
    "candlestick_minutes": 60,
    "order_book_markets": (),
    "order_book_minutes": 5,
}


@pytest.fixture(autouse=True)
def _no_settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in Settings.model_fields:
        monkeypatch.delenv(f"KALSHI_{name.upper()}", raising=False)
    monkeypatch.chdir(tmp_path)


def problems_of(**overrides: object) -> list[str]:
    with pytest.raises(ConfigurationError) as caught:
        load_settings(**overrides)
    assert str(caught.value) == "\n".join(caught.value.problems)
    return caught.value.problems


def test_settings_have_defaults() -> None:
    """No default is a cap."""
    assert load_settings().model_dump() == DEFAULTS


def test_settings_read_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    given = {
        "API_URL": "http://127.0.0.1:8765/trade-api/v2/",
        "DATABASE_URL": "sqlite:////srv/kalshi.db",
        "REQUESTS_PER_SECOND": "7.5",
        "BACKFILL_SHARE": "0.25",
        "SNAPSHOT_MINUTES": "0.25",
        "SNAPSHOT_MODE": "every",
        "KEYFRAME_HOURS": "0.5",
        "COMBOS": "only",
        "SERIES": "KXTWOSIDE, kxfarplace,,kxtwoside ",
        "MAX_PAGES": "3",
        "TIMEOUT_SECONDS": "1",
        "RETRY_SECONDS": "0",
        "WINDOWS": "1",
        "WALK_SECONDS": "60",
        "EVENT_LOOKUPS": "0",
        "HEALING_REQUESTS": "0",
        "RECONCILE_REQUESTS": "0",
        "PLACEHOLDER_HOURS": "0.5",
        "QUARANTINE_SHARE": "1",
        "RUN_HISTORY_DAYS": "1.5",
        "FORK_RUNS": "false",
        "CANDLESTICK_SERIES": "KXTWOSIDE, KXTWOSIDE",
        "CANDLESTICK_MARKETS": "KXFARPLACE-99",
        "CANDLESTICK_MINUTES": "1",
        "ORDER_BOOK_MARKETS": "KXFARPLACE-99,,KXNEWHEAD-70",
        "ORDER_BOOK_MINUTES": "0.25",
    }
    for name, value in given.items():
        monkeypatch.setenv(f"KALSHI_{name}", value)
    assert load_settings().model_dump() == {
        "api_url": "http://127.0.0.1:8765/trade-api/v2",
        "database_url": "sqlite:////srv/kalshi.db",
        "requests_per_second": 7.5,
        "backfill_share": 0.25,
        "snapshot_minutes": 0.25,
        "snapshot_mode": SnapshotMode.EVERY,
        "keyframe_hours": 0.5,
        "combos": Combos.ONLY,
        "series": ("KXTWOSIDE", "kxfarplace", "kxtwoside"),
        "max_pages": 3,
        "timeout_seconds": 1,
        "retry_seconds": 0,
        "max_response_mb": 64.0,
        "windows": 1,
        "walk_seconds": 60,
        "event_lookups": 0,
        "healing_requests": 0,
        "reconcile_requests": 0,
        "placeholder_hours": 0.5,
        "quarantine_share": 1,
        "quarantine_mb": 256.0,
        "run_history_days": 1.5,
        "fork_runs": False,
        "candlestick_series": ("KXTWOSIDE",),
        "candlestick_markets": ("KXFARPLACE-99",),
        "candlestick_minutes": 1,
        "order_book_markets": ("KXFARPLACE-99", "KXNEWHEAD-70"),
        "order_book_minutes": 0.25,
    }


@pytest.mark.parametrize("name", sorted(Settings.model_fields))
def test_blank_setting_is_the_default(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv(f"KALSHI_{name.upper()}", "")
    assert load_settings().model_dump() == DEFAULTS


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        pytest.param("API_URL", "kalshi.com", "is not an http:// or https:// address", id="address-alone"),
        pytest.param(
            "API_URL", "ftp://kalshi.com", "is not an http:// or https:// address", id="other-scheme"
        ),
        pytest.param(
            "API_URL",
            "https://kalshi.com/trade-api/v2/markets/",
            "ends in the name of an endpoint, which each request adds: end it after /trade-api/v2",
            id="endpoint",
        ),
        pytest.param(
            "API_URL",
            "https://kalshi.com/trade-api/v2/markets/KXRAIN",
            "ends in the name of an endpoint, which each request adds: end it after /trade-api/v2",
            id="record",
        ),
        pytest.param(
            "API_URL",
            "https://mirror.test/kalshi/exchange/status",
            "ends in the name of an endpoint, which each request adds: end it after the part before that",
            id="endpoint-of-a-mirror",
        ),
        pytest.param(
            "API_URL",
            "https://kalshi.com:0/v2",
            "has the port 0, which no server can use",
            id="no-port",
        ),
        pytest.param(
            "API_URL", "https://kalshi.com:99999/v2", "port out of range 0-65535", id="no-such-port"
        ),
        pytest.param("API_URL", "https://[::1/v2", "invalid IPv6 URL", id="half-an-address"),
        pytest.param("API_URL", "https://", "is not an http:// or https:// address", id="no-host"),
        pytest.param(
            "REQUESTS_PER_SECOND", "0", "input should be greater than or equal to 0.01", id="rate-of-nothing"
        ),
        pytest.param("REQUESTS_PER_SECOND", "nan", "input should be a finite number", id="rate-nan"),
        pytest.param(
            "REQUESTS_PER_SECOND",
            "fast",
            "input should be a valid number, unable to parse string as a number",
            id="rate-in-words",
        ),
        pytest.param(
            "SNAPSHOT_MINUTES", "0.1", "input should be greater than or equal to 0.25", id="too-often"
        ),
        pytest.param(
            "SNAPSHOT_MINUTES", "1441", "input should be less than or equal to 1440", id="too-rarely"
        ),
        pytest.param("SNAPSHOT_MODE", "some", "input should be 'changes' or 'every'", id="unknown-mode"),
        pytest.param("COMBOS", "no", "input should be 'exclude', 'only' or 'include'", id="unknown-scope"),
        pytest.param("MAX_PAGES", "0", "input should be greater than or equal to 1", id="no-pages"),
        pytest.param("TIMEOUT_SECONDS", "0", "input should be greater than 0", id="no-time-to-answer"),
        pytest.param(
            "RETRY_SECONDS", "-1", "input should be greater than or equal to 0", id="negative-retries"
        ),
        pytest.param("WALK_SECONDS", "nan", "input should be a finite number", id="walk-nan"),
        pytest.param("KEYFRAME_HOURS", "inf", "input should be a finite number", id="hours-without-end"),
        pytest.param("KEYFRAME_HOURS", "1e400", "input should be a finite number", id="hours-too-many"),
        pytest.param("BACKFILL_SHARE", "1e-320", "input should be greater than or equal to 0.01", id="share"),
        pytest.param("SERIES", "KXA KXB", "is not separated by commas", id="list-with-blanks"),
        pytest.param("ORDER_BOOK_MARKETS", "KXA-1;KXB-1", "is not separated by commas", id="semicolons"),
        pytest.param(
            "EVENT_LOOKUPS", "-1", "input should be greater than or equal to 0", id="negative-budget"
        ),
        pytest.param("QUARANTINE_SHARE", "5", "input should be less than or equal to 1", id="more-than-all"),
    ],
)
def test_bad_setting_is_reported_with_its_name_and_value(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, reason: str
) -> None:
    monkeypatch.setenv(f"KALSHI_{name}", value)
    assert problems_of() == [f"KALSHI_{name}={value}: {reason}; change it or unset it"]


def test_setting_that_is_not_text_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KALSHI_SERIES", "KX\udcff")
    assert problems_of() == ["KALSHI_SERIES=KX\\udcff: is not UTF-8 text; change it or unset it"]


def test_all_problems_are_reported_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KALSHI_COMBO", "only")
    monkeypatch.setenv("KALSHI_API_URL", "kalshi.com")
    monkeypatch.setenv("KALSHI_MAX_PAGES", "0")
    monkeypatch.setenv("KALSHI_WALK_SECONDS", "-5")
    assert problems_of() == [
        "KALSHI_COMBO is not a setting: did you mean KALSHI_COMBOS? Rename or unset it",
        "KALSHI_API_URL=kalshi.com: is not an http:// or https:// address; change it or unset it",
        "KALSHI_MAX_PAGES=0: input should be greater than or equal to 1; change it or unset it",
        "KALSHI_WALK_SECONDS=-5: input should be greater than 0; change it or unset it",
    ]


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        pytest.param("KALSHI_DATABSE_URL", "KALSHI_DATABASE_URL", id="letter-missing"),
        pytest.param("KALSHI_REQUEST_PER_SECOND", "KALSHI_REQUESTS_PER_SECOND", id="plural-missing"),
        pytest.param("KALSHI_SNAPSHOT_MINUTE", "KALSHI_SNAPSHOT_MINUTES", id="unit-in-singular"),
        pytest.param("KALSHI_WALK_SECNODS", "KALSHI_WALK_SECONDS", id="letters-swapped"),
    ],
)
def test_misspelt_setting_is_reported_with_the_right_name(
    monkeypatch: pytest.MonkeyPatch, name: str, meant: str
) -> None:
    monkeypatch.setenv(name, "1")
    assert problems_of() == [f"{name} is not a setting: did you mean {meant}? Rename or unset it"]


@pytest.mark.parametrize("name", ["KALSHI_API_KEY", "KALSHI_PRIVATE_KEY_PATH", "KALSHI_ENV", "OTHER_COMBO"])
def test_variable_of_another_tool_is_left_alone(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv(name, "whatever")
    assert load_settings().model_dump() == DEFAULTS


@pytest.mark.parametrize(
    "url",
    [
        pytest.param("postgresql://kalshi:secret@db/kalshi", id="other-database"),
        pytest.param("sqlite:///", id="no-file"),
        pytest.param("sqlite:///:memory:", id="in-memory"),
        pytest.param("kalshi.db?password=secret", id="no-url"),
    ],
)
def test_database_url_is_never_shown(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    """It may hold a password."""
    monkeypatch.setenv("KALSHI_DATABASE_URL", url)
    assert problems_of() == [
        "KALSHI_DATABASE_URL: names no SQLite file, and this version stores into SQLite: "
        "sqlite:///data/kalshi.db; change it or unset it"
    ]


def test_dotenv_of_the_working_directory_is_read(tmp_path: Path) -> None:
    text = "# mine\nKALSHI_COMBOS=include\nKALSHI_SERIES=\nKALSHI_API_KEY=other\nKALSHI_MAX_PAGES=\n"
    (tmp_path / ".env").write_text(text, encoding="utf-8")
    assert load_settings().model_dump() == {**DEFAULTS, "combos": Combos.INCLUDE}


def test_dotenv_of_another_directory_is_not_read(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("KALSHI_COMBOS=include\n", encoding="utf-8")
    (tmp_path / "below").mkdir()
    monkeypatch.chdir(tmp_path / "below")
    assert load_settings().model_dump() == DEFAULTS


def test_environment_takes_precedence_over_dotenv(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("KALSHI_COMBOS=include\nKALSHI_MAX_PAGES=3\n", encoding="utf-8")
    monkeypatch.setenv("KALSHI_COMBOS", "only")
    assert load_settings().model_dump() == {**DEFAULTS, "combos": Combos.ONLY, "max_pages": 3}


def test_bad_setting_of_dotenv_is_reported(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("KALSHI_COMBOS=no\n", encoding="utf-8")
    assert problems_of() == [
        "KALSHI_COMBOS=no: input should be 'exclude', 'only' or 'include'; change it or unset it"
    ]


def test_dotenv_that_is_not_text_is_reported(tmp_path: Path) -> None:
    (tmp_path / ".env").write_bytes("KALSHI_SERIES=é".encode("latin-1"))
    assert problems_of() == [".env is not UTF-8 text: save it as UTF-8"]


def test_overrides_take_precedence_over_everything(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("KALSHI_COMBOS=include\n", encoding="utf-8")
    monkeypatch.setenv("KALSHI_MAX_PAGES", "3")
    settings = load_settings(combos="only", max_pages=None, series=("kxFarplace",))
    assert settings.model_dump() == {**DEFAULTS, "combos": Combos.ONLY, "series": ("kxFarplace",)}


def test_bad_override_is_reported_like_a_variable() -> None:
    assert problems_of(max_pages=0) == [
        "KALSHI_MAX_PAGES=0: input should be greater than or equal to 1; change it or unset it"
    ]


@pytest.mark.parametrize(
    ("minutes", "seconds"),
    [pytest.param("5", 300, id="whole-minutes"), pytest.param("0.25", 15, id="fraction")],
)
def test_snapshot_period_is_in_seconds(monkeypatch: pytest.MonkeyPatch, minutes: str, seconds: float) -> None:
    monkeypatch.setenv("KALSHI_SNAPSHOT_MINUTES", minutes)
    assert load_settings().snapshot_period_seconds == seconds


def test_every_setting_has_a_description() -> None:
    """They are the table of docs/settings.md."""
    assert [name for name, field in Settings.model_fields.items() if not field.description] == []


def test_misspelt_setting_of_dotenv_is_reported(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("KALSHI_DATABSE_URL=sqlite:///elsewhere.db\n", encoding="utf-8")
    with pytest.raises(ConfigurationError, match="did you mean KALSHI_DATABASE_URL"):
        load_settings()


def test_unknown_override_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="max_page is not a setting"):
        load_settings(max_page="3")


def test_address_with_a_password_is_refused_and_not_repeated(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KALSHI_API_URL", "https://me:secret@kalshi.test/trade-api/v2")
    with pytest.raises(ConfigurationError, match="KALSHI_API_URL: contains a user or a password") as caught:
        load_settings()
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    "address",
    [
        "https://kalshi.test/trade-api/v2?token=secret",
        "https://kalshi.test/trade-api/v2#secret",
        "https://kalshi.test/trade-api/v2?",
        "kalshi.test?token=secret",
        "https://kalshi.test:port/trade-api/v2?token=secret",
    ],
)
def test_query_and_fragment_of_an_address_are_refused_and_not_shown(
    monkeypatch: pytest.MonkeyPatch, address: str
) -> None:
    monkeypatch.setenv("KALSHI_API_URL", address)
    with pytest.raises(ConfigurationError, match=r"^KALSHI_API_URL: ") as caught:
        load_settings()
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    "address", ["http://127.0.0.1:8765", "https://mirror.test/exchange/v2", "https://mirror.test/markets/v2/"]
)
def test_address_of_another_path_is_taken(monkeypatch: pytest.MonkeyPatch, address: str) -> None:
    monkeypatch.setenv("KALSHI_API_URL", address)
    assert load_settings().api_url == address.rstrip("/")


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        pytest.param("sqlite:///data/kalshi.db ", "begins or ends with white space", id="trailing-blank"),
        pytest.param("\tsqlite:///data/kalshi.db", "begins or ends with white space", id="leading-tab"),
        pytest.param("sqlite:///data/kalshi.db\u00a0", "begins or ends with white space", id="no-break"),
        pytest.param("sqlite:///data/kal\u200bshi.db", "contains an invisible character", id="no-width"),
        pytest.param("sqlite:///data/kal\x1bshi.db", "contains an invisible character", id="control"),
        pytest.param(
            '"sqlite:///k.db"', "is in quotation marks, which would be part of it", id="quotation-marks"
        ),
        pytest.param(
            "\u201csqlite:///k.db\u201d", "is in quotation marks, which would be part of it", id="curly"
        ),
    ],
)
@pytest.mark.parametrize("name", ["database_url", "api_url", "combos", "max_pages", "keyframe_hours"])
def test_misleading_text_is_refused(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, problem: str
) -> None:
    """For every setting. A trailing blank in an address would create a second database."""
    monkeypatch.setenv(f"KALSHI_{name.upper()}", value)
    (line,) = problems_of()
    assert line.startswith(f"KALSHI_{name.upper()}")
    assert f": {problem}; " in line


def test_value_of_blanks_is_not_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KALSHI_MAX_PAGES", "  ")
    assert load_settings().model_dump() == DEFAULTS


def test_value_that_is_too_long_to_read_is_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KALSHI_MAX_PAGES", "9" * 10_000)
    (problem,) = problems_of()
    assert problem.startswith("KALSHI_MAX_PAGES=999")
    assert len(problem) < 500


@pytest.mark.parametrize(
    ("line", "name"),
    [
        pytest.param("KALSHI_MAX_PAGES: 4", "KALSHI_MAX_PAGES", id="yaml"),
        pytest.param("- KALSHI_MAX_PAGES: 4", "KALSHI_MAX_PAGES", id="yaml-list"),
        pytest.param('  "KALSHI_MAX_PAGES": "4",', "KALSHI_MAX_PAGES", id="json"),
        pytest.param("KALSHI_MAX_PAGES 4", "KALSHI_MAX_PAGES", id="blank"),
        pytest.param("KALSHI_MAX_PAGES", "KALSHI_MAX_PAGES", id="alone"),
        pytest.param("setenv KALSHI_MAX_PAGES 4", "KALSHI_MAX_PAGES", id="csh"),
        pytest.param("set KALSHI_MAX_PAGES=4", "KALSHI_MAX_PAGES", id="windows"),
        pytest.param("$env:KALSHI_MAX_PAGES = 4", "KALSHI_MAX_PAGES", id="powershell"),
        pytest.param('KALSHI_MAX_PAGES="4', "KALSHI_MAX_PAGES", id="quote-left-open"),
        pytest.param("KALSHI_MAX_PAGES='4' pages", "KALSHI_MAX_PAGES", id="words-after-the-quote"),
        pytest.param("KALSHI_MAX_PAGE: 4", "KALSHI_MAX_PAGE", id="misspelt-too"),
        pytest.param("kalshi_max_pages: 4", "kalshi_max_pages", id="small-letters"),
    ],
)
def test_line_of_dotenv_that_sets_nothing_is_reported(tmp_path: Path, line: str, name: str) -> None:
    (tmp_path / ".env").write_text(f"# mine\n\n{line}\nOTHER=1\n", encoding="utf-8")
    assert problems_of() == [
        f".env, line 3: {name} is not set by this line: write {name.upper()}=value",
    ]


def test_setting_within_the_quotes_of_another_line_is_reported(tmp_path: Path) -> None:
    text = 'OTHER="left open\nKALSHI_MAX_PAGES=4\nTHIRD="\n'
    (tmp_path / ".env").write_text(text, encoding="utf-8")
    assert problems_of() == [
        ".env, line 2: KALSHI_MAX_PAGES is not set by this line: write KALSHI_MAX_PAGES=value"
    ]


def test_lines_of_other_programs_are_left_alone(tmp_path: Path) -> None:
    lines = [
        "what: ever",
        "KALSHI_API_KEY: x",
        'KEY="-----BEGIN',
        "abc=",
        '-----END"',
        "=",
        "'",
        "a b c",
        "\u200b",
    ]
    (tmp_path / ".env").write_text("\n".join([*lines, "KALSHI_MAX_PAGES=4"]), encoding="utf-8")
    assert load_settings().max_pages == 4


@pytest.mark.parametrize(
    ("line", "pages"),
    [
        pytest.param("KALSHI_MAX_PAGES=4", 4, id="plain"),
        pytest.param("export KALSHI_MAX_PAGES=4", 4, id="export"),
        pytest.param("KALSHI_MAX_PAGES = '4'  # four", 4, id="quotes-and-comment"),
        pytest.param('KALSHI_MAX_PAGES="4"', 4, id="double-quotes"),
        pytest.param("kalshi_max_pages=4", 4, id="small-letters"),
        pytest.param("\ufeffKALSHI_MAX_PAGES=4", 4, id="byte-order-mark"),
        pytest.param("KALSHI_MAX_PAGES=4\r\nOTHER=1\r\n", 4, id="windows-lines"),
        pytest.param("#KALSHI_MAX_PAGES: 4", None, id="comment"),
        pytest.param("KALSHI_MAX_PAGES=", None, id="blank"),
        pytest.param("KALSHI_MAX_PAGES=3\nKALSHI_MAX_PAGES=4", 4, id="twice"),
    ],
)
def test_dotenv_is_read_as_usual(tmp_path: Path, line: str, pages: int | None) -> None:
    (tmp_path / ".env").write_bytes(line.encode())
    assert load_settings().max_pages == pages


def test_dotenv_that_is_a_pipe_is_reported(tmp_path: Path) -> None:
    """Reading it would wait forever."""
    os.mkfifo(tmp_path / ".env")
    assert problems_of() == [".env is a named pipe: make it a file, or remove it"]


def test_dotenv_that_is_a_device_is_empty(tmp_path: Path) -> None:
    (tmp_path / ".env").symlink_to(os.devnull)
    assert load_settings().max_pages is None


def test_dotenv_that_is_a_folder_is_reported(tmp_path: Path) -> None:
    (tmp_path / ".env").mkdir()
    assert problems_of() == [".env is a folder, and settings are read from a file of that name: rename it"]


def test_dotenv_that_is_a_broken_link_is_reported(tmp_path: Path) -> None:
    (tmp_path / ".env").symlink_to("nowhere")
    assert problems_of() == [".env is a link to a file that does not exist: remove it, or create that file"]


def test_dotenv_that_cannot_be_read_is_reported(tmp_path: Path) -> None:
    """A link to itself, because the tests may run as root."""
    (tmp_path / ".env").symlink_to(".env")
    (problem,) = problems_of()
    assert problem.startswith(".env cannot be read (")


def test_dotenv_in_utf_16_is_reported(tmp_path: Path) -> None:
    (tmp_path / ".env").write_bytes("KALSHI_MAX_PAGES=4".encode("utf-16-le"))
    assert problems_of() == [".env is not UTF-8 text: save it as UTF-8"]


@pytest.mark.parametrize(
    "name", ["KALSI_MAX_PAGES", "KALHSI_MAX_PAGES", "KALSHI__MAX_PAGES", "KALSHI-MAX-PAGES"]
)
def test_misspelt_prefix_is_reported(tmp_path: Path, name: str) -> None:
    (tmp_path / ".env").write_text(f"{name}=4", encoding="utf-8")
    assert problems_of() == [f"{name} is not a setting: did you mean KALSHI_MAX_PAGES? Rename or unset it"]
