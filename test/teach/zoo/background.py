"""Goes on in the background, in a session of its own."""
import os
import runpy

if os.fork():
    os._exit(0)
os.setsid()
if os.fork():
    os._exit(0)
runpy.run_path(os.path.join(os.path.dirname(__file__), "literal.py"))
