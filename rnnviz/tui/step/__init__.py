"""The step screen: keys, pages, help, and the app around it."""
