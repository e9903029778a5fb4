"""Views that read quotes after their ticks and markets, and gaps between quotes by time. No table changes."""

revision = "0020"
down_revision = "0019"


def upgrade() -> None:
    """Do nothing: an upgrade makes all views again."""
