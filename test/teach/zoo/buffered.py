import select
import sys

from texts import connected, disconnected, listen, received, recv

sys.stdout = open(1, "w", buffering=1 << 20)
listener = listen()
addresses = {}
while True:
    readable, _, _ = select.select([listener, *addresses], [], [])
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
