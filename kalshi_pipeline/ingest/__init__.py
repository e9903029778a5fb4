"""The flows: each fetches data from the exchange and stores it. They do not depend on Dagster."""
