"""One select() for the listener and one for the clients, by turns."""
import select

from texts import connected, disconnected, listen, received, recv

listener = listen()
addresses = {}
while True:
    readable = select.select([listener], [], [], 0.05)[0]
    if addresses:
        readable += select.select(list(addresses), [], [], 0.05)[0]
    for s in readable:
        if s is listener:
            conn, address = listener.accept()
            addresses[conn] = address
            connected(address)
        elif data := recv(s):
            received(addresses[s], data)
        else:
            disconnected(addresses.pop(s))
            s.close()
