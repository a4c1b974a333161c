"""An echo server that does not look at what send() returns."""

import selectors
import socket
import sys

selector = selectors.DefaultSelector()
listener = socket.create_server((sys.argv[1], int(sys.argv[2])))
listener.setblocking(False)
selector.register(listener, selectors.EVENT_READ)
print("Listening on", listener.getsockname(), flush=True)
while True:
    for key, _ in selector.select():
        if key.fileobj is listener:
            conn, address = listener.accept()
            conn.setblocking(False)
            selector.register(conn, selectors.EVENT_READ, address)
            continue
        conn = key.fileobj
        try:
            data = conn.recv(4096)
        except ConnectionResetError:
            data = b""
        if not data:
            selector.unregister(conn)
            conn.close()
            continue
        print("Echoing", data, "to", key.data, flush=True)
        try:
            conn.send(data)
        except OSError:
            pass
