"""The views: one widget file each, each answers one question."""
