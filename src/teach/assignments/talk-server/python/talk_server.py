"""talk-server: relays what each client sends to all others. README.md says how."""
import argparse
import select
import socket
import sys


def run_server(port, verbose):
    # 1. A socket that listens on this port; if that cannot be, a message and the end.
    # 2. For ever: wait in select.select() until something can be read.
    # 3. The listening socket: greet the newcomer. Any other: relay, or forget it.
    pass


parser = argparse.ArgumentParser()
# 4. The options -p, --port and -v, --verbose.
options = parser.parse_args()
run_server(12345, False)
