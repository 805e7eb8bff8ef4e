"""Screens as files: pictures and the HTML report."""
