"""Topics of the generated markets: their subjects, their texts, and the outcomes of each event.

Everything follows from an event's number, so that half a million markets need no texts in memory. Eight topics take
turns; they average 8.6 markets per event, as open events did in August 2026.
"""

from dataclasses import dataclass
from typing import NamedTuple

from kalshi_pipeline.sandbox.world.chance import scatter, uuid_of
from kalshi_pipeline.sandbox.world.prices import CENTI_CENT_EDGES, DECI_CENT, LINEAR_CENT, PriceStructure

CITIES = (
    ("NY", "New York City"), ("CHI", "Chicago"), ("AUS", "Austin"), ("MIA", "Miami"), ("DEN", "Denver"),
    ("LAX", "Los Angeles"), ("PHIL", "Philadelphia"), ("SJU", "San José"), ("MTL", "Montréal"),
)  # fmt: skip
LEAGUES = (
    ("NTH", "North Football"), ("STH", "South Basketball (M)"), ("EST", "East Hockey"), ("WST", "Western Isles League"),
    ("CENTRO", "La Meseta"), ("YOUTH", "Youth Football"), ("OPN", "Tennis Féminin"),
)  # fmt: skip
COINS = (("BTC", "Bitcoin"), ("ETH", "Ethereum"), ("SOL", "Solana"), ("XRP", "XRP"), ("DOGE", "Dogecoin"))
OFFICES = (
    ("PRES", "President"),
    ("SENATE", "Senate"),
    ("GOV", "Governor"),
    ("MAYOR", "Mayor"),
    ("POPE", "Pope"),
)
SPEAKERS = (("FED", "the Fed chair"), ("POTUS", "the President"), ("CEO", "the chief executive"))
GAUGES = (("CPI", "CPI, year over year"), ("GDP", "real GDP growth"), ("RATE", "the policy rate"))
TEAMS = (
    ("LO", "Lower Bay"), ("HIG", "Higham"), ("EAS", "Eastonbridge"), ("WES", "Westonford"), ("NOR", "Northfield"),
    ("SUD", "Sudby"), ("MON", "Montélimo Mayor"), ("BRU", "Brünnen Altdorf"), ("MID", "Midtown"), ("SEA", "Seaview"),
)  # fmt: skip
PEOPLE = (
    "Ana Muñoz", "Zoë O'Hara", "Chloé Dubois", "Dan Kowalski", "Eve Larsen", "Finn Øvergård", "Grace Lee",
    "Hugo Sánchez", "Ivy Chen", "Jack Müller", "Kim Park", "Lena Straßer",
)  # fmt: skip
WORDS = ("tariff", "inflation", "soft landing", "A.I.", "unemployment", "“transitory”", "housing", "China")


class Outcome(NamedTuple):
    """One market of an event: the last part of its ticker, its label, and its strike as JSON members after a comma."""

    code: str
    label: str
    strike: str


@dataclass(frozen=True, slots=True)
class Topic:
    """A template of series. `style` is the kind of strike; `title` and `rule` are formatted with the event's words."""

    prefix: str
    suffix: str
    category: str
    tags: tuple[str, ...] | None
    frequency: str
    subjects: tuple[tuple[str, str], ...]
    style: str
    size: int
    exchange_index: int
    structure: PriceStructure
    collateral: str
    title: str
    rule: str
    note: str
    source: tuple[str, str]


_PUBLISHED = (
    "Revisions made after expiration do not count, and a value that has not been published when the market "
    "expires is replaced by the last one that was.  The Exchange may close the market early where the outcome "
    "is known; if it has to be determined by another source, members are told at least one day before.\n\n"
    "Persons employed by the source agency, and persons who hold material non-public information on the value, "
    "may not trade. More than one market of this event can be open at the same time; each is settled on its own. "
)

TOPICS = (
    Topic("KX", "GAME", "Sports", ("Football",), "custom", LEAGUES, "team", 3, 0, LINEAR_CENT, "MECNET",
          "{away} vs {home}", "If {label} beats the other side of {away} vs {home}, the {subject} game that was first "
          "planned for {day}, the answer is Yes.",
          "This market is about the side that wins the game. A game that is put off stays open as long as it begins "
          "within two days of its planned start, and its official final result then counts. A game that has not begun "
          "by then pays each side what it was worth, as the exchange sees it. Overtime counts; a game that is broken "
          "off does not.\n\nThe games, sides and leagues of this exchange are made up, and so are their results. No "
          "name in them is that of a person, a team or a company, and nothing about a real game follows from them.",
          ("the league itself", "https://league.example.com/")),
    Topic("KX", "TOTAL", "Sports", ("Basketball", "Football"), "custom", LEAGUES, "above", 12, 3, LINEAR_CENT, "",
          "{away} at {home}: Total points", "If both sides together make {label} points in {away} at {home}, the "
          "{subject} game that was first planned for {day}, the answer is Yes.", _PUBLISHED,
          ("Points", "https://points.example.com")),
    Topic("KXHIGH", "", "Weather and Climate", ("Daily measurement", "Weather"), "daily", CITIES, "band", 6, 0,
          LINEAR_CENT, "MECNET", "Warmest measurement in {subject} on {day}? ",
          "If the warmest measurement in {subject} on {day} is {label} fahrenheit in the report that the Office of "
          "Weather publishes for each day (with its corrections), the answer is Yes.", _PUBLISHED,
          ("Office of Weather", "https://weather.example.com/daily")),
    Topic("KX", "D", "Crypto", ("Crypto",), "hourly", COINS, "price", 14, 2, CENTI_CENT_EDGES, "DIRECNET",
          "{subject} price on {day}?", "If the mean of the prices of {subject} that the Index of Coins publishes in "
          "the last minute before the close is {label} on {day}, the answer is Yes.", _PUBLISHED,
          ("Index of Coins", "https://coins.example.com")),
    Topic("KX", "WIN", "Politics", None, "one_off", OFFICES, "name", 11, 0, DECI_CENT, "MECNET",
          "Who becomes the next {subject}?", "If {label} becomes the next {subject} before {day}, the answer is "
          "Yes.\nAn acting officeholder does not count.", _PUBLISHED,
          ("The Daily Record", "https://record.example.com")),
    Topic("KX", "MENTION", "Mentions", ("Fed", "Politicians"), "custom", SPEAKERS, "word", 8, 0, LINEAR_CENT, "",
          "Which words will {subject} use on {day}?", "If {subject} uses the words {label} during the event on {day}, "
          "the answer is Yes.", _PUBLISHED, ("Video of the event", "https://video.example.com")),
    Topic("KX", "MAX", "Crypto", ("Crypto", "Pre-market"), "weekly", COINS, "price", 14, 2, CENTI_CENT_EDGES, "",
          "What will  {subject} peak at by {day}?", "If {subject} trades {label} before {day}, the answer is Yes.",
          _PUBLISHED, ("Index of Coins", "https://coins.example.com")),
    Topic("KX", "", "Economics", ("Inflation", "Growth"), "monthly", GAUGES, "scalar", 1, 0, DECI_CENT, "",
          "What will {subject} be in {day}?", "The answer is the value of {subject} for {day}, mapped between the "
          "bounds of the contract.", _PUBLISHED, ("Office of Statistics", "https://statistics.example.com")),
)  # fmt: skip

COMBO_PREFIXES = ("KXMVEOVERALLTOPICS", "KXMVEQUESTIONSOFMANYSUBJECTS")


def topic_of(number: int) -> Topic:
    return TOPICS[number % len(TOPICS)]


def is_exclusive(topic: Topic) -> bool:
    """Return whether at most one market of an event can resolve to yes, which is what MECNET means (documented)."""
    return topic.collateral == "MECNET"


def subject_of(topic: Topic, series: int) -> tuple[str, str]:
    """Return the code and the name of a topic's series-th subject; repeated subjects get a number."""
    code, name = topic.subjects[series % len(topic.subjects)]
    repetition = series // len(topic.subjects)
    return (f"{code}{repetition}", f"{name} {repetition}") if repetition else (code, name)


def opponents(number: int) -> tuple[tuple[str, str], tuple[str, str]]:
    """Return the home team and the away team of a game, which always differ."""
    home = scatter(11, number) % len(TEAMS)
    away = (home + 1 + scatter(12, number) % (len(TEAMS) - 1)) % len(TEAMS)
    return TEAMS[home], TEAMS[away]


def outcome_of(number: int, ordinal: int) -> Outcome:
    """Return the ordinal-th market of the number-th event."""
    topic = topic_of(number)
    match topic.style:
        case "team":
            return _team(number, ordinal)
        case "above":
            floor = 150 + scatter(13, number) % 60 + 3 * ordinal + 0.5
            return Outcome(
                f"{floor:g}", f"more than {floor:g}", f',"floor_strike":{floor:g},"strike_type":"greater"'
            )
        case "price":
            floor = 20 + scatter(14, number) % 90_000 + 250 * ordinal + 0.99
            label = f"${floor:,.2f} or above"
            return Outcome(
                f"T{floor:.2f}", label, f',"floor_strike":{floor:.2f},"strike_type":"greater_or_equal"'
            )
        case "band":
            return _band(40 + scatter(15, number) % 50, ordinal, topic.size)
        case "name":
            name = PEOPLE[(scatter(16, number) + ordinal) % len(PEOPLE)]
            code = name[0] + name.split()[1][0]
            return Outcome(
                f"{code}{ordinal}", name, f',"custom_strike":{{"Name":"{name}"}},"strike_type":"custom"'
            )
        case "word":
            word = WORDS[ordinal % len(WORDS)]
            strike = f',"custom_strike":{{"Word":"{word}"}},"strike_type":"custom"'
            return Outcome(f"W{ordinal}", word, strike)
        case _:
            strike = ',"functional_strike":"min(1, max(0, value / 10))","strike_type":"functional"'
            return Outcome("VALUE", "Value", strike)


def _team(number: int, ordinal: int) -> Outcome:
    if ordinal == 2:
        code, name = "TIE", "Tie"
    else:
        code, name = opponents(number)[ordinal]
    target = uuid_of(17, number * 4 + ordinal)
    return Outcome(code, name, f',"custom_strike":{{"football_team":"{target}"}},"strike_type":"structured"')


def _band(low: int, ordinal: int, size: int) -> Outcome:
    if ordinal == 0:
        return Outcome(f"T{low}", f"{low - 1}° or below", f',"cap_strike":{low},"strike_type":"less"')
    floor = low + 2 * (ordinal - 1)
    if ordinal == size - 1:
        return Outcome(
            f"T{floor}", f"{floor + 1}° or above", f',"floor_strike":{floor},"strike_type":"greater"'
        )
    strike = f',"cap_strike":{floor + 1},"floor_strike":{floor},"strike_type":"between"'
    return Outcome(f"B{floor}.5", f"{floor}° to {floor + 1}°", strike)
