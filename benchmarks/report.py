"""Results for people and for programs: one table, and JSON; both name the machine."""

import json
import os
import platform
import sqlite3
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path

from rich.table import Table

from benchmarks.result import Result, Row


def machine() -> dict[str, str | int]:
    """Return what the numbers were measured on."""
    return {
        "cpu": _cpu_model(),
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1,
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "sqlite": sqlite3.sqlite_version,
    }


def machine_line() -> str:
    """Return the same in one line."""
    named = machine()
    return (
        f"{named['cpu']}, {named['cores']} cores, {named['system']}, Python {named['python']}, "
        f"SQLite {named['sqlite']}"
    )


def _cpu_model() -> str:
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        for line in cpuinfo.read_text(encoding="utf-8").splitlines():
            name, _, value = line.partition(":")
            if name.strip() == "model name":
                return value.strip()
    return platform.processor() or platform.machine()


def table_of(results: Mapping[str, Result]) -> Table:
    """Return all results as one table: one number per line, with its aim and its parts."""
    table = Table(title=machine_line(), title_justify="left", header_style="bold", expand=False)
    table.add_column("Measured")
    table.add_column("Result", justify="right", no_wrap=True)
    table.add_column("Aim", justify="right", no_wrap=True)
    table.add_column("", no_wrap=True)
    table.add_column("Also", style="dim")
    for name, result in results.items():
        table.add_section()
        table.add_row(f"[bold]{name}[/]: {result.title}")
        for group in result.groups:
            table.add_row(f"  [italic]{group}[/]")
            for row in result.of(group):
                table.add_row(*_cells(row))
    return table


def _cells(row: Row) -> tuple[str, ...]:
    aim, verdict = "", ""
    if row.aim is not None:
        aim = f"{'≥' if row.aim.is_least else '≤'} {row.aim.limit:,g}"
        verdict = "[green]met[/]" if row.aim.is_met(row.value) else "[red]missed[/]"
    also = ", ".join(f"{shown(value)} {name}" for name, value in row.also.items())
    return f"    {row.label}", f"{shown(row.value)} {row.unit}", aim, verdict, also


def shown(value: float) -> str:
    """Return a number with about three significant digits."""
    if abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}" if abs(value) >= 1 else f"{value:.2g}"


def write_json(path: Path, results: Mapping[str, Result]) -> None:
    """Write every number, and whether it keeps its aim."""
    written = {
        name: {
            "title": result.title,
            "rows": [
                asdict(row) | {"is_met": None if row.aim is None else row.aim.is_met(row.value)}
                for row in result.rows
            ],
        }
        for name, result in results.items()
    }
    path.write_text(json.dumps({"machine": machine(), "results": written}, indent=2), encoding="utf-8")
