"""Its select() has the descriptors in exceptfds alone: it looks at them each time that the wait has ended."""
import select

from texts import connected, disconnected, listen, received, recv

listener = listen()
listener.setblocking(False)
addresses = {}
while True:
    select.select([], [], [listener, *addresses], 0.02)
    try:
        conn, address = listener.accept()
        conn.setblocking(False)
        addresses[conn] = address
        connected(address)
    except BlockingIOError:
        pass
    for conn in list(addresses):
        try:
            data = recv(conn)
        except BlockingIOError:
            continue
        if data:
            received(addresses[conn], data)
        else:
            disconnected(addresses.pop(conn))
            conn.close()
