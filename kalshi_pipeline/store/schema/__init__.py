"""The schema as the code sees it: tables, and what their columns mean. Migrations alone change a database."""
