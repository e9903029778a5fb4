"""Full disks: the store's own file system fills up at some page, and later has room again."""

import shutil
import subprocess
import sys
from pathlib import Path

from kalshi_pipeline.sandbox import WorldConfig
from kalshi_pipeline_tests.faults.outcome import Outcome
from kalshi_pipeline_tests.faults.places import CONFIG, SETTINGS, STORE, place
from kalshi_pipeline_tests.faults.stored import content, lost_and_wrong, unsound

_DISK_BYTES = 24 << 20
# In its own mount namespace, which needs no privilege. `$BALLAST` fills the disk.
_ON_A_SMALL_DISK = (
    f'mount -t tmpfs -o size={_DISK_BYTES} tmpfs "$DISK" && cp "$BEFORE" "$DISK/{STORE}" && cd "$DISK" '
    '&& head -c "$BALLAST" /dev/zero > ballast; "$PYTHON" -m kalshi_pipeline.cli snapshot; code=$?; '
    f'rm ballast; "$PYTHON" -m kalshi_pipeline.cli snapshot; again=$?; cp {STORE}* "$AFTER"; echo "codes $code $again"'
)


def can_mount(folder: Path) -> bool:
    """Return whether a process on this machine may mount its own file system."""
    command = ["unshare", "-rm", "mount", "-t", "tmpfs", "tmpfs", str(folder)]
    if shutil.which("unshare") is None:
        return False
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


def fill(folder: Path, count: int, config: WorldConfig = CONFIG) -> Outcome:
    """Take snapshots on a disk that first has room for some of them, and then for all."""
    outcome = Outcome("full disk under the store")
    if not can_mount(folder):
        outcome.notes.append("not tried: no process may mount a file system here")
        return outcome
    with place(folder, config) as here:
        here.collect()
        before = Path(shutil.copy(here.store, folder / "before.db"))
        here.exchange.world.step()
        ended = here.commands.run("snapshot")
        if ended.code:
            raise AssertionError(f"an undisturbed snapshot ended with {ended.code}: {ended.output}")
        undisturbed, grown = content(here.store), here.store.stat().st_size - before.stat().st_size
        room = max(grown, 1 << 19)
        for number in range(count):
            after = folder / f"after-{number}"
            after.mkdir()
            left = room * number // count
            done = subprocess.run(
                ["unshare", "-rm", "sh", "-c", _ON_A_SMALL_DISK],
                capture_output=True,
                text=True,
                check=False,
                env={
                    "PATH": "/usr/bin:/bin:/usr/sbin:/sbin",
                    "PYTHON": sys.executable,
                    "DISK": str(_made(folder / "disk")),
                    "BEFORE": str(before),
                    "AFTER": str(after),
                    "BALLAST": str(_DISK_BYTES - before.stat().st_size - left - (1 << 14)),
                    **{f"KALSHI_{name.upper()}": value for name, value in SETTINGS.items()},
                    "KALSHI_API_URL": here.exchange.url,
                },
            )
            output = done.stdout + done.stderr
            problems = _problems(done.stdout, output)
            lost, wrong, sentences = lost_and_wrong(content(after / STORE), undisturbed)
            outcome.count(
                problems=[
                    f"with {left:,} bytes left: {p}" for p in [*problems, *sentences, *unsound(after / STORE)]
                ],
                rows_lost=lost,
                wrong_numbers=wrong,
                has_traceback="Traceback (most recent call last)" in output,
            )
    return outcome


def _made(folder: Path) -> Path:
    folder.mkdir(exist_ok=True)
    return folder


def _problems(printed: str, output: str) -> list[str]:
    """Return the problems of the two exit codes: the first run may fail with a database error, the second must not."""
    codes = printed.rpartition("codes ")[2].split()
    if len(codes) != 2 or codes[0] not in ("0", "4") or codes[1] != "0":
        return [f"exit codes {' and '.join(codes)}: {output[-500:]}"]
    return []
