"""The database: tables and views, engine, set-based writes, queries, migrations. Knows nothing of the exchange."""
