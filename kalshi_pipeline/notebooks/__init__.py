"""Reading in notebooks and scripts: `open_store`, which returns tables, and their export to files.

The queries are in `store`; the typed records that the program itself reads are in `api`.
"""
