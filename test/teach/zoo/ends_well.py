"""Ends with its first client."""
import select

from texts import connected, disconnected, listen, received, recv

listener = listen()
addresses = {}
ended = False
while not ended:
    readable, _, _ = select.select([listener, *addresses], [], [])
    for s in readable:
        if s is listener:
            conn, address = listener.accept()
            addresses[conn] = address
            connected(address)
        elif data := recv(s):
            received(addresses[s], data)
        else:
            disconnected(addresses[s])
            ended = True
