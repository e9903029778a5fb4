"""Why a run ended early, in the words of its record."""

from kalshi_pipeline.errors import PipelineError, StoppedError


def reason_of(error: BaseException) -> str:
    """Return why an error stopped a run, as its record says it."""
    if isinstance(error, StoppedError):
        return f"stopped by {error}"
    return error.full_message if isinstance(error, PipelineError) else f"stopped by {type(error).__name__}"
