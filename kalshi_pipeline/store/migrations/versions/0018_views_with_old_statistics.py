"""Views that are asked in the same way with old statistics: nothing else changes."""

revision = "0018"
down_revision = "0017"


def upgrade() -> None:
    """Every upgrade makes the views of its version."""
