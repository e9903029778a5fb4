"""The Kalshi API: payloads, readers, one client (limit, retry, page), complete listings. Knows no database."""
