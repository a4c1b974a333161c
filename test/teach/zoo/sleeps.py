"""select() without descriptors, to sleep between two tries."""
import select

from texts import connected, disconnected, listen, received, recv

listener = listen()
listener.setblocking(False)
addresses = {}
while True:
    select.select([], [], [], 0.02)
    try:
        conn, address = listener.accept()
        conn.setblocking(False)
        addresses[conn] = address
        connected(address)
    except BlockingIOError:
        pass
    for conn, address in list(addresses.items()):
        try:
            if data := recv(conn):
                received(address, data)
            else:
                disconnected(addresses.pop(conn))
                conn.close()
        except BlockingIOError:
            pass
