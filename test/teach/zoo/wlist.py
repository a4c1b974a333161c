"""Non-blocking, with a wlist: only what has something to send is in it, and nothing ever has."""
import select

from texts import connected, disconnected, listen, received, recv

listener = listen()
listener.setblocking(False)
addresses, pending = {}, {}
while True:
    wlist = [s for s in pending if pending[s]]
    readable, writable, _ = select.select([listener, *addresses], wlist, [], 5)
    for s in readable:
        if s is listener:
            conn, address = listener.accept()
            conn.setblocking(False)
            addresses[conn], pending[conn] = address, b""
            connected(address)
        elif data := recv(s):
            received(addresses[s], data)
        else:
            disconnected(addresses.pop(s))
            del pending[s]
            s.close()
    for s in writable:
        pending[s] = pending[s][s.send(pending[s]):]
