"""The Kalshi API: payloads, readers, a client (limit, retries, pages) and complete listings, without any database."""
