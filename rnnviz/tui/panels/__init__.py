"""The panels of the step screen: each is one widget and answers one question."""
