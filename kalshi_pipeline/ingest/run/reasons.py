"""The reasons in run records for an early end."""

from kalshi_pipeline.errors import PipelineError, StoppedError


def reason_of(error: BaseException) -> str:
    """Return the reason in a run's record for an error that stopped it."""
    if isinstance(error, StoppedError):
        return f"stopped by {error}"
    return error.full_message if isinstance(error, PipelineError) else f"stopped by {type(error).__name__}"
