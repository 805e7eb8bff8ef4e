"""The screens: one cursor over one finished trace, seen by many views.

Nothing here knows an engine: a trace comes in, a tracer gives another one.
"""
