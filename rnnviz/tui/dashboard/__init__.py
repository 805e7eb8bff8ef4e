"""The training dashboard: what has happened so far is one story, its panels draw it."""
