"""What people read in notebooks and scripts: `open_store`, whose answers are tables, and their export to files.

How answers are found is in `store`; the records that the program itself reads are in `api`.
"""
