"""The way in: signals stop the program from its beginning on, and importing the rest of it takes a second or more."""

from kalshi_pipeline.signals import exiting_signals


def main() -> None:
    """Run the command line."""
    with exiting_signals():
        from kalshi_pipeline.cli import app

        app.main()
