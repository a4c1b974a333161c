"""As many tutorials have it: it waits to write all the time, so that it never sleeps once there is a client."""
import selectors
import socket
import sys
import types

sel = selectors.DefaultSelector()
lsock = socket.create_server((sys.argv[1], int(sys.argv[2])))
print("Listening on", lsock.getsockname())
lsock.setblocking(False)
sel.register(lsock, selectors.EVENT_READ, data=None)


def accept():
    conn, addr = lsock.accept()
    print("Accepted connection from", addr)
    conn.setblocking(False)
    data = types.SimpleNamespace(addr=addr, outb=b"")
    sel.register(conn, selectors.EVENT_READ | selectors.EVENT_WRITE, data=data)


def service(sock, data, mask):
    if mask & selectors.EVENT_READ:
        try:
            received = sock.recv(1024)
        except ConnectionResetError:
            received = b""
        if not received:
            print("Closing connection to", data.addr)
            sel.unregister(sock)
            sock.close()
            return
        data.outb += received
    if mask & selectors.EVENT_WRITE and data.outb:
        print("Echoing", data.outb[:50], "to", data.addr)
        data.outb = data.outb[sock.send(data.outb):]


while True:
    for key, mask in sel.select(timeout=None):
        if key.data is None:
            accept()
        else:
            service(key.fileobj, key.data, mask)
