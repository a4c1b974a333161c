"""chatclient in Python. The environment's KIND names the one thing that it does otherwise."""

import os
import select
import socket
import sys
import threading

kind = os.environ.get("KIND", "none")
sock = socket.create_connection((sys.argv[1], int(sys.argv[2])))


def show():
    """Shows what has come. Whether the server is still there."""
    data = sock.recv(4096)
    if data:
        print(data.decode(), end="", flush=True)
    return bool(data)


def type_line():
    line = os.read(0, 4096)
    if line:
        sock.sendall(line)


def listen():
    while show():
        pass
    print("Disconnected from server!", flush=True)
    os._exit(0)


if kind == "threads":
    threading.Thread(target=listen, daemon=True).start()
    while True:
        type_line()
show()
while kind == "keyboard":
    select.select([0], [], [])
    type_line()
    sock.settimeout(0.2)
    try:
        while show():
            pass
        print("Disconnected from server!", flush=True)
        break
    except TimeoutError:
        pass
while kind != "keyboard":
    if kind == "turns":
        type_line()
        ready = [sock]
    else:
        ready = select.select([0, sock], [], [])[0]
    if sock in ready and not show():
        print("Disconnected from server!", flush=True)
        if kind == "stays":
            while True:
                select.select([0], [], [])
                os.read(0, 4096)
        break
    if 0 in ready:
        type_line()
