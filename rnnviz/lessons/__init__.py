"""Lessons: files in TOML that say, ask, reveal and change, and what they claim about the models.

``lesson`` has the types, ``reader`` reads a file in one language, ``claims`` evaluates the
expressions of a file, ``check`` lists everything that is wrong with a file, and ``catalogue`` finds
the shipped lessons and those of the user's own folder.
"""
