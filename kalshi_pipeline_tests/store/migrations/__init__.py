"""Migrations, from every landed schema."""
