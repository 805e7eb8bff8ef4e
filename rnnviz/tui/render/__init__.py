"""Numbers and text to styled segments and lines; no widget, no app."""
