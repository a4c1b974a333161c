"""talk-client, given: shows what the server sends, and sends what is typed."""
import argparse
import os
import select
import socket
import sys


def run_client(name, server, port):
    with socket.create_connection((server, port)) as sock:
        while True:
            readable, _, _ = select.select([sock, sys.stdin], [], [])
            if sock in readable:
                data = sock.recv(1024)
                if not data:
                    sys.exit("The server terminated the connection.")
                print(data.decode(errors="replace"), flush=True)
            if sys.stdin in readable:
                # Not readline(): what it keeps back in its buffer, select() does not see.
                typed = os.read(sys.stdin.fileno(), 4096).decode(errors="replace")
                if not typed:
                    return
                for line in typed.splitlines():
                    sock.sendall(f"{name} says: {line}".encode())


parser = argparse.ArgumentParser()
parser.add_argument("-n", "--name", default=socket.gethostname())
parser.add_argument("-s", "--server", default="127.0.0.1")
parser.add_argument("-p", "--port", type=int, default=12345)
options = parser.parse_args()
try:
    run_client(options.name, options.server, options.port)
except OSError as error:
    sys.exit(f"{options.server}, {options.port}: {error}")
except KeyboardInterrupt:
    pass
