"""The printf formats of AIX's listings, as published outputs show them.

Trailing blanks are kept: AIX prints them too. Names come from images, so they are made printable here.
"""
