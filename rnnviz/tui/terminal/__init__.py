"""Between Textual and the terminal: driver, compositor, what is written."""
