"""A class that answers from its phones: votes, the server of their page, and its process.

The server runs in a process of its own, so that no request delays a key of the lecturer's screen.
The two processes send each other lines of ``rnnviz.events``. Nothing here imports Textual or NumPy.
"""
