"""Codecs of on-disk nodes: each takes bytes and says what is there, and everything that is wrong.

They know layouts and dialects, and nothing of volumes, journals or checks. Reading stops at the first fault that hinders
it, checking reports them all, salvage goes on, and the journal changes no node that has any.
"""
