"""Lessons on the step screen: the pane that says and asks, and the keys that go on and back."""
