"""The schema for building statements: tables, views and the meanings of columns. Only migrations change a database."""
