"""Alembic's entry point; `store.database` and the tests hand it an open connection."""

from alembic import context

from kalshi_pipeline.store.schema.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    render_as_batch=True,  # SQLite alters a table by copying it
)
with context.begin_transaction():
    context.run_migrations()
