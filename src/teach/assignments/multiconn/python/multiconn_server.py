"""multiconn-server: echoes what each of its clients sends. README.md says how."""
import selectors
import socket
import sys
import types

sel = selectors.DefaultSelector()


def accept_connection(sock):
    # 3. Accept, do not block, register with data of its own.
    pass


def service_connection(key, mask):
    # 4. Read what can be read, send what can be sent.
    pass


def run_server(host, port):
    # 1. A socket that listens on this host and port, does not block, and is registered with data=None.
    # 2. For ever: sel.select(), and for each key one of the two functions.
    pass


if len(sys.argv) != 3:
    sys.exit("usage: multiconn_server.py host port")
run_server(sys.argv[1], int(sys.argv[2]))
