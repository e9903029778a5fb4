"""Collects the public market data of the Kalshi exchange into your own database."""
