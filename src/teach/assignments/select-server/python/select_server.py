"""select-server: prints who connects, what they send, and who leaves. README.md says how."""
import select
import socket
import sys


def run_server(port):
    # 1. A socket that listens on 127.0.0.1 and this port.
    # 2. For ever: wait in select.select() until something can be read.
    # 3. The listening socket: somebody connects. Any other: data, or the end.
    pass


if len(sys.argv) != 2:
    sys.exit("usage: select_server.py port")
run_server(int(sys.argv[1]))
