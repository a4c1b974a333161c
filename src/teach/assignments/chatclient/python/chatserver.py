"""chatserver, given: a chat whose users have names. What one says comes to all as NAME::TEXT."""
import select
import socket
import sys

WELCOME = "Welcome to the chat server\nPlease enter your screen name:\n"


def run_server(port):
    listener = socket.create_server(("127.0.0.1", port))
    print(f"Listening on :{listener.getsockname()[1]}", flush=True)
    names = {}
    begun = {}

    def broadcast(text):
        for conn in list(names):
            try:
                conn.sendall(text.encode())
            except OSError:
                pass  # It has gone: recv() tells.

    def hear(conn, line):
        if conn in names:
            broadcast(f"{names[conn]}::{line}\n")
        elif line:
            names[conn] = line
            broadcast(f"{line} logged in\n")

    while True:
        for s in select.select([listener, *begun], [], [])[0]:
            if s is listener:
                conn, _ = s.accept()
                begun[conn] = b""
                conn.sendall(WELCOME.encode())
                continue
            try:
                data = s.recv(1024)
            except OSError:
                data = b""
            if data:
                # What has no newline yet is the beginning of a line.
                *lines, begun[s] = (begun[s] + data).split(b"\n")
                for line in lines:
                    hear(s, line.decode(errors="replace").strip())
                continue
            del begun[s]
            s.close()
            name = names.pop(s, None)
            if name:
                broadcast(f"{name} disconnected\n")


if len(sys.argv) != 2:
    sys.exit("usage: chatserver.py port")
try:
    run_server(int(sys.argv[1]))
except OSError as error:
    sys.exit(f"port {sys.argv[1]}: {error}")
except KeyboardInterrupt:
    pass
