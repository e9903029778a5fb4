"""SQLite: a file, with its write-ahead log, its locks and the shared request limit beside it."""

from kalshi_pipeline.store.dialects.sqlite.dialect import Sqlite
from kalshi_pipeline.store.dialects.sqlite.files import files_of, url_of_file

__all__ = ["Sqlite", "files_of", "url_of_file"]
