"""The app in a browser: the folder of a page that runs it, and a server for that folder.

The page runs Python in WebAssembly (Pyodide) in a worker and shows what it writes on a terminal
(xterm.js); :mod:`rnnviz.browser` is the Python side. A server only hands out files.
"""
