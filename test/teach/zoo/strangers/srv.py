"""A chat server with a thread for each user. The third argument names one thing that it does otherwise."""
import socket
import sys
import threading

host, port, how = sys.argv[1:]
listener = socket.create_server((host, int(port)))
users = {}
names = {}


def online():
    return f"({len(users)} user{'' if len(users) == 1 else 's'} online)"


def serve(conn):
    while data := conn.recv(1024):
        name = (names if how == "dies" else users)[conn]
        for other in list(users):
            if other is not conn:
                other.sendall(f"[{name}] {data.decode()}".encode())


while True:
    conn, (address, number) = listener.accept()
    users[conn] = f"{address}:{number}"
    conn.sendall(f"> Connected to the chat server {online()}".encode())
    for other in list(users):
        if other is not conn:
            other.sendall(f"> New user {users[conn]} entered. {online()}".encode())
    threading.Thread(target=serve, args=(conn,), daemon=True).start()
