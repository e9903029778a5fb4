"""Files of the project that its programs read: a wheel has them in the package, a checkout beside it."""

from pathlib import Path

_PACKAGE = Path(__file__).parent


def project_file(name: str) -> Path:
    """Return the path of dagster.yaml or workspace.yaml."""
    in_wheel = _PACKAGE / name
    return in_wheel if in_wheel.exists() else _PACKAGE.parent / name
