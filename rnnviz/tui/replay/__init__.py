"""Recordings of the step screen: written while it runs, and played back."""
