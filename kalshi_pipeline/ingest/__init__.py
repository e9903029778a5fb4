"""The flows: each fetches from the exchange and stores what it fetched. Knows no Dagster."""
