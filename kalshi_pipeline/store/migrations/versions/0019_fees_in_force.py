"""Views by other rules: fees in force as `fee_at` has them, and what is listed. No table changes."""

revision = "0019"
down_revision = "0018"


def upgrade() -> None:
    """Do nothing: an upgrade makes all views again."""
