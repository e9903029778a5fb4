"""Pictures of results, one for each benchmark: what was found, beside what was aimed at."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine

from benchmarks import dagster_tick, ingest, listing, memory
from benchmarks.report import machine_line, shown
from benchmarks.result import Result, Row

_COLOURS = ("#2a6f97", "#e07a3f", "#6a994e", "#8d6a9f")
_AIM = "#b3261e"
_GREY = "#8a8a8a"
_STYLE = {
    "font.size": 10,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": _GREY,
    "axes.titlelocation": "left",
    "axes.titlesize": 12,
    "axes.titleweight": "bold",
    "axes.titlepad": 14,
    "axes.axisbelow": True,
    "grid.color": "#e4e4e4",
    "legend.frameon": False,
    "xtick.color": "#444444",
    "ytick.color": "#444444",
}


def draw(results: Mapping[str, Result], folder: Path) -> Iterable[Path]:
    """Draw each result into the folder; give the files."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, result in results.items():
        path = folder / f"{name}.png"
        with mpl.rc_context(_STYLE):  # type: ignore[arg-type]  # its stubs name every key
            figure = _DRAWN[name](result)
            figure.text(0.995, 0.008, machine_line(), ha="right", va="bottom", fontsize=7, color=_GREY)
            figure.savefig(path, dpi=110)
        yield path


def _panel(height: float = 4.2) -> tuple[Figure, Axes]:
    room = ConstrainedLayoutEngine(rect=(0, 0.04, 1, 0.96))  # the machine's name stands below
    figure = Figure(figsize=(8.5, height), layout=room)
    return figure, figure.add_subplot()


def _bars(axes: Axes, rows: Sequence[Row], *, is_log: bool = False) -> None:
    """Horizontal bars from top to bottom, each with its number, and a red mark at its aim."""
    largest = max(max(row.value, row.aim.limit if row.aim else 0.0) for row in rows)
    axes.barh(range(len(rows)), [row.value for row in rows], height=0.6, color=_COLOURS[0])
    for place, row in enumerate(rows):
        beyond = row.value
        if row.aim is not None:
            axes.plot([row.aim.limit] * 2, [place - 0.42, place + 0.42], color=_AIM, linewidth=2)
            if 0.75 * row.aim.limit < row.value < row.aim.limit:
                beyond = row.aim.limit
        gap = beyond * 1.12 if is_log else beyond + largest * 0.012
        axes.text(gap, place, f"{shown(row.value)} {row.unit}", va="center", fontsize=9)
    axes.set_yticks(range(len(rows)), [row.label for row in rows])
    axes.tick_params(axis="y", length=0)
    axes.invert_yaxis()
    axes.grid(visible=True, axis="x")
    axes.plot([], [], color=_AIM, linewidth=2, label="aim")
    if is_log:
        axes.set_xscale("log")
    else:
        axes.set_xlim(0, largest * 1.18)


def _draw_ingest(result: Result) -> Figure:
    figure, axes = _panel(5.4)
    left_out = (ingest.FLOOR, ingest.SEED, ingest.SPEED)
    groups = result.groups
    labels = [row.label for row in result.of(groups[0]) if row.label not in left_out]
    height = 0.8 / len(groups)
    for number, group in enumerate(groups):
        rows = [row for row in result.of(group) if row.label in labels]
        places = [place + (number - (len(groups) - 1) / 2) * height for place in range(len(rows))]
        axes.barh(places, [row.value for row in rows], height * 0.9, color=_COLOURS[number], label=group)
        for place, row in zip(places, rows, strict=True):
            axes.text(row.value + 0.02, place, f"{row.value:.2f}", va="center", fontsize=8)
            if row.aim is not None:
                axes.plot(
                    [row.aim.limit] * 2, [place - height / 2, place + height / 2], color=_AIM, linewidth=2
                )
    axes.axvline(1, color="black", linewidth=1)
    axes.plot([], [], color=_AIM, linewidth=2, label="aim")
    axes.text(1, -0.62, "raw floor", ha="center", va="bottom", fontsize=9)
    axes.set_yticks(range(len(labels)), [_wrapped(label) for label in labels])
    axes.tick_params(axis="y", length=0)
    axes.invert_yaxis()
    axes.grid(visible=True, axis="x")
    axes.set_xlabel("CPU time of a snapshot, times the raw floor on the same pages")
    axes.legend(loc="lower right", fontsize=9)
    warm = [row.value for row in result.rows if row.label == ingest.WARM]
    axes.set_title(f"A snapshot costs {_span(warm)} times the floor with 6 % changed")
    return figure


def _draw_listing(result: Result) -> Figure:
    figure, axes = _panel()
    pages = 0.0
    for colour, latency in zip(_COLOURS, listing.LATENCIES, strict=False):
        rows = result.of(listing.group_of(latency))
        seconds = [row.also["s"] for row in rows]
        bounds = [row.also["s is the bound"] for row in rows]
        pages = rows[0].also["pages"]
        axes.plot(listing.WINDOWS, seconds, marker="o", color=colour, label=f"{listing.group_of(latency)}")
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
    axes.set_ylabel(f"seconds for {pages:.0f} pages of 1,000 markets")
    axes.grid(visible=True, axis="y")
    axes.legend(fontsize=9)
    eight = [row.value for row in result.rows if row.label == listing.label_of(8)]
    axes.set_title(
        f"Eight windows list everything in {_span(eight)} times the bound at {listing.RATE} requests/s"
    )
    return figure


def _draw_size(result: Result) -> Figure:
    figure, axes = _panel()
    _bars(axes, [_relabelled(row) for row in result.rows], is_log=True)
    axes.set_xlim(1, 200)
    axes.set_xticks([1, 2, 4, 10, 20, 40, 100], ["1", "2", "4", "10", "20", "40", "100"])
    axes.minorticks_off()
    axes.set_xlabel("bytes of the price tables for each listed market and tick (log scale)")
    axes.legend(loc="lower right", fontsize=9)
    changes, every = result.rows[0], result.rows[-1]
    axes.set_title(
        f"Storing changes takes {changes.value:.1f} bytes an observation, storing every quote {every.value:.0f}"
    )
    return figure


def _draw_reads(result: Result) -> Figure:
    figure, axes = _panel()
    _bars(axes, [_relabelled(row, f"{row.group}: {row.label}") for row in result.rows], is_log=True)
    values = [row.value for row in result.rows]
    axes.set_xlim(min(values) / 3, max(*values, 1000.0) * 6)
    axes.set_xlabel("milliseconds (log scale)")
    axes.legend(loc="upper right", fontsize=9)
    missed = [row for row in result.rows if row.aim is not None and not row.aim.is_met(row.value)]
    axes.set_title(
        f"{len(missed)} of {len(result.rows)} questions take longer than aimed at"
        if missed
        else "Every question is answered within its aim"
    )
    return figure


def _draw_memory(result: Result) -> Figure:
    figure, axes = _panel()
    rows = result.of(memory.MEMORY)
    imports, runs = rows[0], rows[1:]
    axes.axhline(imports.value, color=_GREY, linestyle=":", label=f"{imports.label}: {imports.value:.0f} MB")
    for colour, what in zip(_COLOURS, (memory.COLD, memory.WARM), strict=False):
        of_kind = [row for row in runs if row.label.endswith(what)]
        sizes, peaks = [row.also["markets"] for row in of_kind], [row.value for row in of_kind]
        axes.plot(sizes, peaks, marker="o", color=colour, label=what)
        for size, peak in zip(sizes, peaks, strict=True):
            axes.annotate(
                f"{peak:.0f}",
                (size, peak),
                (0, 7),
                textcoords="offset points",
                ha="center",
                color=colour,
                fontsize=9,
            )
    aims = {row.also["markets"]: row.aim.limit for row in runs if row.aim is not None}
    axes.scatter(list(aims), list(aims.values()), marker="_", s=900, color=_AIM, linewidth=2, label="aim")
    axes.xaxis.set_major_formatter(lambda markets, _: f"{markets:,.0f}")
    axes.set_xlim(0, max(aims) * 1.12)
    axes.set_ylim(0, max(*aims.values(), *(row.value for row in runs)) * 1.25)
    axes.set_xlabel("open markets")
    axes.set_ylabel("peak memory, MB")
    axes.grid(visible=True, axis="y")
    axes.legend(loc="lower right", fontsize=9)
    largest = max(runs, key=lambda row: row.value)
    axes.set_title(f"A run peaks at {largest.value:.0f} MB with up to {max(aims):,.0f} markets")
    return figure


def _draw_dagster(result: Result) -> Figure:
    figure, axes = _panel(2.9)
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
    axes.set_yticks([0, 1], ["dagster job execute", "kalshi-pipeline snapshot"])
    axes.tick_params(axis="y", length=0)
    axes.invert_yaxis()
    axes.set_xlim(0, left * 1.12)
    axes.grid(visible=True, axis="x")
    axes.set_xlabel("seconds on the clock, from the start of the process to its end")
    axes.legend(loc="upper center", bbox_to_anchor=(0.4, -0.32), ncols=2, fontsize=9)
    asset = phases[dagster_tick.PHASES.index(dagster_tick.ASSET)].value
    axes.set_title(
        f"Of {left:.1f} s that a Dagster run of a small world takes, {asset:.1f} s are the snapshot"
    )
    return figure


def _relabelled(row: Row, label: str | None = None) -> Row:
    return Row(row.group, _wrapped(label or row.label), row.value, row.unit, row.aim)


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
    "dagster": _draw_dagster,
}
