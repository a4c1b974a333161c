import select
import socket
import sys

listener = socket.create_server((sys.argv[1], int(sys.argv[2])))
print("Chat Server started on port %s." % sys.argv[2])
conns = {}


def online():
    return "%d user%s online" % (len(conns), "s" if len(conns) >= 2 else "")


def tell(text, sender):
    print(text)
    for conn in conns:
        if conn is not sender:
            conn.sendall(text.encode())


try:
    while True:
        for s in select.select([listener, *conns], [], [])[0]:
            if s is listener:
                conn, (host, port) = s.accept()
                conns[conn] = f"{host}:{port}"
                conn.sendall(f"> Connected to the chat server ({online()})".encode())
                tell(f"> New user {conns[conn]} entered. ({online()})", conn)
                continue
            try:
                data = s.recv(1024)
            except OSError:
                data = b""
            if data:
                tell(f"[{conns[s]}] {data.decode()}", s)
            else:
                user = conns.pop(s)
                s.close()
                tell(f"< The user {user} left ({online()})", None)
except KeyboardInterrupt:
    print("KeyboardInterrupt")
