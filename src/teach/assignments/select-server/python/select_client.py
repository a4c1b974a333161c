"""select-client, given: sends a few random letters to the server, at once and every few seconds."""
import random
import select
import socket
import string
import sys


def run_client(prefix, host, port):
    with socket.create_connection((host, port)) as sock:
        while True:
            letters = random.choices(string.ascii_lowercase, k=random.randint(10, 19))
            sock.sendall(f"{prefix}: {''.join(letters)}".encode())
            # The server says nothing: all that can be read is its end.
            if select.select([sock], [], [], random.randint(1, 5))[0]:
                sys.exit("server closed the connection")


if len(sys.argv) != 4:
    sys.exit("usage: select_client.py prefix host port")
try:
    run_client(sys.argv[1], sys.argv[2], int(sys.argv[3]))
except OSError as error:
    sys.exit(f"{sys.argv[2]}, {sys.argv[3]}: {error}")
except KeyboardInterrupt:
    pass
