"""The database: tables and views, connections, set-based writes, queries and migrations. Independent of the
exchange.
"""
