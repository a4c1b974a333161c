"""What it prints goes to stderr, as Python's logging does by itself."""
import os
import runpy
import sys

sys.stdout = sys.stderr
runpy.run_path(os.path.join(os.path.dirname(__file__), "literal.py"))
