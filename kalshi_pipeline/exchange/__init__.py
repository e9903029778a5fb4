"""The Kalshi API: payloads, one client (limit, retry, page), complete listings. Knows nothing of the database."""
