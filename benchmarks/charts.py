"""Charts of results, one for each benchmark: the measured values beside their aims."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine

from benchmarks import dagster_tick, ingest, listing, memory, trades
from benchmarks.report import machine_line, shown
from benchmarks.result import Result

_COLOURS = ("#2a6f97", "#e07a3f", "#6a994e", "#8d6a9f")
_AIM = "#b3261e"
_GREY = "#8a8a8a"
_STYLE = {
    "font.size": 10,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": _GREY,
    "axes.axisbelow": True,
    "grid.color": "#e4e4e4",
    "legend.frameon": False,
    "xtick.color": "#444444",
    "ytick.color": "#444444",
}


def draw(results: Mapping[str, Result], folder: Path) -> Iterable[Path]:
    """Draw each result into the folder; yield the files."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, result in results.items():
        path = folder / f"{name}.png"
        with mpl.rc_context(_STYLE):  # type: ignore[arg-type]  # its stubs name every key
            figure = _DRAWN[name](result)
            figure.text(0.995, 0.008, machine_line(), ha="right", va="bottom", fontsize=7, color=_GREY)
            figure.savefig(path, dpi=100)
        yield path


def _figure(height: float) -> Figure:
    room = ConstrainedLayoutEngine(
        rect=(0, 0.28 / height, 1, 1 - 0.28 / height)
    )  # leaves room for the machine below
    return Figure(figsize=(8.5, height), layout=room)


def _panel(height: float = 4.2) -> tuple[Figure, Axes]:
    figure = _figure(height)
    return figure, figure.add_subplot()


def _set_title(figure: Figure, finding: str) -> None:
    figure.suptitle(finding, x=0.012, ha="left", fontsize=12, fontweight="bold")


def _mark_aim(axes: Axes, limit: float, place: float, height: float = 0.84) -> None:
    axes.plot([limit] * 2, [place - height / 2, place + height / 2], color=_AIM, linewidth=2)


def _name_rows(axes: Axes, labels: Sequence[str]) -> None:
    """Label the rows from top to bottom."""
    axes.set_yticks(range(len(labels)), [_wrapped(label) for label in labels])
    axes.tick_params(axis="y", length=0)
    axes.set_ylim(len(labels) - 0.4, -0.6)
    axes.grid(visible=True, axis="x")
    axes.plot([], [], color=_AIM, linewidth=2, label="aim")


def _draw_ingest(result: Result) -> Figure:
    figure, axes = _panel(5.8)
    not_drawn = (ingest.FLOOR, ingest.SEED, ingest.SPEED)
    groups = result.groups
    labels = [row.label for row in result.of(groups[0]) if row.label not in not_drawn]
    height = 0.8 / len(groups)
    for number, group in enumerate(groups):
        rows = [row for row in result.of(group) if row.label in labels]
        places = [place + (number - (len(groups) - 1) / 2) * height for place in range(len(rows))]
        axes.barh(places, [row.value for row in rows], height * 0.9, color=_COLOURS[number], label=group)
        for place, row in zip(places, rows, strict=True):
            right = row.value
            if row.aim is not None:
                _mark_aim(axes, row.aim.limit, place, height)
                right = row.aim.limit if 0.85 < right / row.aim.limit < 1 else right
            axes.text(right + 0.03, place, f"{row.value:.2f}", va="center", fontsize=8)
    axes.axvline(1, color="black", linewidth=1)
    axes.text(1, -0.62, "raw floor", ha="center", va="bottom", fontsize=9)
    _name_rows(axes, labels)
    axes.set_xlim(0, max(3.2, *(row.value * 1.15 for row in result.rows if row.label in labels)))
    axes.set_ylim(len(labels) + 0.2, -0.6)
    axes.set_xlabel("CPU time of a snapshot, times that of the raw floor on the same pages")
    axes.legend(loc="lower right", ncols=4, fontsize=9)
    warm = [row.value for row in result.rows if row.label == ingest.WARM]
    _set_title(figure, f"A snapshot with 6 % changed costs {_span(warm)} times the raw floor")
    return figure


def _draw_listing(result: Result) -> Figure:
    figure, axes = _panel()
    pages = 0.0
    for colour, latency in zip(_COLOURS, listing.LATENCIES, strict=False):
        rows = result.of(listing.group_of(latency))
        seconds = [row.also["s"] for row in rows]
        bounds = [row.also["s is the bound"] for row in rows]
        pages = rows[0].also["pages"]
        axes.plot(listing.WINDOWS, seconds, marker="o", color=colour, label=listing.group_of(latency))
        axes.plot(listing.WINDOWS, bounds, linestyle="--", color=colour, label="its bound")
        axes.annotate(
            f"{seconds[0]:.1f} s",
            (1, seconds[0]),
            (7, 4),
            textcoords="offset points",
            color=colour,
            fontsize=9,
        )
    axes.set_xscale("log", base=2)
    axes.set_xticks(listing.WINDOWS, [str(windows) for windows in listing.WINDOWS])
    axes.set_ylim(bottom=0)
    axes.set_xlabel("windows walked at once")
    axes.set_ylabel(f"seconds for {pages:.0f} pages at {listing.RATE} requests/s")
    axes.grid(visible=True, axis="y")
    axes.legend(fontsize=9)
    eight = [row.value for row in result.rows if row.label == listing.label_of(8)]
    _set_title(figure, f"Eight windows list everything in {_span(eight)} times the bound")
    return figure


def _draw_size(result: Result) -> Figure:
    figure = _figure(4.6)
    changes, every = result.rows[:-1], result.rows[-1:]
    for axes, rows in zip(
        figure.subplots(2, height_ratios=(len(changes), 1.2)), (changes, every), strict=True
    ):
        axes.barh(range(len(rows)), [row.value for row in rows], height=0.6, color=_COLOURS[0])
        for place, row in enumerate(rows):
            right = row.value
            if row.aim is not None:
                _mark_aim(axes, row.aim.limit, place)
                right = max(right, row.aim.limit)
            axes.text(right * 1.015, place, f"{row.value:.1f}", va="center", fontsize=9)
        _name_rows(axes, [row.label for row in rows])
        axes.set_xlim(0, max(max(row.value, row.aim.limit if row.aim else 0) for row in rows) * 1.25)
    axes.legend(loc="center right", fontsize=9)
    axes.set_xlabel("bytes of the price tables for each listed market and tick (the two scales differ)")
    low, high = (f"{pick(row.value for row in changes):.1f}" for pick in (min, max))
    _set_title(
        figure,
        f"Storing changes takes {low} to {high} bytes per observation, storing every quote {every[0].value:.0f}",
    )
    return figure


def _draw_reads(result: Result) -> Figure:
    figure, axes = _panel()
    least = min(row.value for row in result.rows) / 3
    for place, row in enumerate(result.rows):
        axes.plot([least, row.value], [place, place], color=_COLOURS[0], linewidth=1.5)
        axes.plot(row.value, place, marker="o", color=_COLOURS[0])
        right = row.value
        if row.aim is not None:
            _mark_aim(axes, row.aim.limit, place, 0.6)
            right = max(right, row.aim.limit)
        axes.text(right * 1.2, place, f"{shown(row.value)} ms", va="center", fontsize=9)
    _name_rows(axes, [f"{row.group}: {row.label}" for row in result.rows])
    axes.set_xscale("log")
    axes.set_xlim(least, max(row.value for row in result.rows) * 12)
    axes.xaxis.set_major_formatter(lambda value, _: f"{value:,g}")
    axes.set_xlabel("milliseconds, warm (log scale)")
    axes.legend(loc="upper right", fontsize=9)
    aimed = [row for row in result.rows if row.aim is not None]
    met = sum(row.aim is not None and row.aim.is_met(row.value) for row in aimed)
    _set_title(figure, f"{met} of {len(aimed)} questions are answered within their aim")
    return figure


def _draw_trades(result: Result) -> Figure:
    figure, axes = _panel(3.4)
    rows = [row for row in result.rows if row.label in (trades.RAW, trades.WRITTEN, trades.COLLECTED)]
    axes.barh(range(len(rows)), [row.value for row in rows], height=0.6, color=_COLOURS[0])
    for place, row in enumerate(rows):
        if row.aim is not None:
            _mark_aim(axes, row.aim.limit, place, 0.7)
        axes.text(row.value * 1.015, place, shown(row.value), va="center", fontsize=9)
    _name_rows(axes, [row.label for row in rows])
    axes.set_xlim(0, max(row.value for row in rows) * 1.12)
    axes.xaxis.set_major_formatter(lambda speed, _: f"{speed:,.0f}")
    axes.set_xlabel(f"trades a second of CPU, {rows[0].group}")
    axes.legend(loc="lower right", fontsize=9)
    _, written, collected = (shown(row.value) for row in rows)
    _set_title(figure, f"Trades are written at {written} a second, and collected at {collected}")
    return figure


def _draw_memory(result: Result) -> Figure:
    figure, axes = _panel()
    rows = result.of(memory.MEMORY)
    imports, runs = rows[0], rows[1:]
    axes.axhline(imports.value, color=_GREY, linestyle=":", label=f"{imports.label}: {imports.value:.0f} MB")
    for colour, what, above in zip(_COLOURS, (memory.COLD, memory.WARM), (-15, 8), strict=False):
        of_kind = [row for row in runs if row.label.endswith(what)]
        sizes, peaks = [row.also["markets"] for row in of_kind], [row.value for row in of_kind]
        axes.plot(sizes, peaks, marker="o", color=colour, label=what)
        for size, peak in zip(sizes, peaks, strict=True):
            axes.annotate(
                f"{peak:.0f}",
                (size, peak),
                (0, above),
                textcoords="offset points",
                ha="center",
                color=colour,
                fontsize=9,
            )
    aims = {row.also["markets"]: row.aim.limit for row in runs if row.aim is not None}
    axes.scatter(list(aims), list(aims.values()), marker="_", s=900, color=_AIM, linewidth=2)
    axes.plot([], [], color=_AIM, linewidth=2, label="aim")
    axes.xaxis.set_major_formatter(lambda markets, _: f"{markets:,.0f}")
    axes.set_xlim(0, max(aims) * 1.12)
    axes.set_ylim(0, max(*aims.values(), *(row.value for row in runs)) * 1.5)
    axes.set_xlabel("open markets")
    axes.set_ylabel("peak memory, MB")
    axes.grid(visible=True, axis="y")
    axes.legend(loc="upper left", ncols=2, fontsize=9)
    largest = max(runs, key=lambda row: row.value)
    _set_title(figure, f"A run peaks at {largest.value:.0f} MB with up to {max(aims):,.0f} markets")
    return figure


def _draw_dagster(result: Result) -> Figure:
    figure, axes = _panel(3.4)
    phases = [row for phase in dagster_tick.PHASES if (row := result.find(dagster_tick.JOB, phase))]
    left = 0.0
    for colour, row in zip(_COLOURS, phases, strict=True):
        axes.barh(0, row.value, 0.55, left=left, color=colour, label=f"{row.label}: {row.value:.1f} s")
        left += row.value
    command = result.find(dagster_tick.COMMAND, dagster_tick.WALL)
    seconds = command.value if command else 0.0
    axes.barh(1, seconds, 0.55, color=_GREY)
    for place, total in ((0, left), (1, seconds)):
        axes.text(total + left * 0.01, place, f"{total:.1f} s", va="center", fontsize=9)
    axes.legend(loc="lower right", fontsize=9)
    _name_rows(axes, ["dagster job execute", "kalshi-pipeline snapshot"])
    axes.set_xlim(0, left * 1.12)
    axes.set_xlabel("seconds on the clock, from the start of the process to its end")
    asset = phases[dagster_tick.PHASES.index(dagster_tick.ASSET)].value
    _set_title(
        figure, f"Of {left:.1f} s that a Dagster run of a small world takes, {asset:.1f} s are the snapshot"
    )
    return figure


def _wrapped(label: str) -> str:
    """Break a long label at the comma in its middle."""
    middle = len(label) // 2
    commas = [place for place, letter in enumerate(label) if letter == ","]
    if len(label) < 30 or not commas:
        return label
    comma = min(commas, key=lambda place: abs(place - middle))
    return f"{label[: comma + 1]}\n{label[comma + 2 :]}"


def _span(values: Sequence[float]) -> str:
    low, high = f"{min(values):.2f}", f"{max(values):.2f}"
    return low if low == high else f"{low}-{high}"


_DRAWN: dict[str, Callable[[Result], Figure]] = {
    "ingest": _draw_ingest,
    "memory": _draw_memory,
    "listing": _draw_listing,
    "size": _draw_size,
    "reads": _draw_reads,
    "trades": _draw_trades,
    "dagster": _draw_dagster,
}
