"""srv: a chat whose users are known by their addresses. README.md says how."""
import select
import socket
import sys


def run_server(host, port):
    # 1. A socket that listens on this host and port.
    # 2. For ever: wait in select.select() until something can be read.
    # 3. The listening socket: greet the newcomer, and tell the others. Any other: relay, or forget it.
    pass


if len(sys.argv) != 3:
    sys.exit("usage: srv.py host port")
run_server(sys.argv[1], int(sys.argv[2]))
