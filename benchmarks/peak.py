"""The peak memory of this process."""

import contextlib
import resource
import sys
from pathlib import Path


def peak_megabytes() -> float:
    """Return the peak memory of this process so far."""
    # Not ru_maxrss, which on Linux a new process inherits from the one that started it.
    with contextlib.suppress(FileNotFoundError):
        lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
        (peak,) = (line.split()[1] for line in lines if line.startswith("VmHWM:"))
        return int(peak) * 1024 / 1e6
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e6
