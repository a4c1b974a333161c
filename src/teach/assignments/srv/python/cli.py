"""cli, given: srv's client. Shows what the server sends, and sends what is typed; an empty line ends it."""
import os
import select
import socket
import sys


def run_client(host, port):
    with socket.create_connection((host, port)) as sock:
        while True:
            readable, _, _ = select.select([sock, sys.stdin], [], [])
            if sock in readable:
                data = sock.recv(1024)
                if not data:
                    return "Server closed the connection."
                print(data.decode(errors="replace"), flush=True)
            if sys.stdin in readable:
                # Not readline(): what it keeps back in its buffer, select() does not see.
                typed = os.read(sys.stdin.fileno(), 4096).decode(errors="replace")
                for line in typed.splitlines() or [""]:
                    if not line:
                        return "You have been disconnected."
                    sock.sendall(line.encode())
                    print(f"[You] {line}", flush=True)


if len(sys.argv) != 3:
    sys.exit("usage: cli.py host port")
try:
    print(run_client(sys.argv[1], int(sys.argv[2])))
except OSError as error:
    sys.exit(f"{sys.argv[1]}, {sys.argv[2]}: {error}")
except KeyboardInterrupt:
    print("KeyboardInterrupt")
