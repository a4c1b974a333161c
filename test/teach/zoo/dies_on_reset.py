import select

from texts import connected, disconnected, listen, received

listener = listen()
addresses = {}
while True:
    readable, _, _ = select.select([listener, *addresses], [], [])
    for s in readable:
        if s is listener:
            conn, address = listener.accept()
            addresses[conn] = address
            connected(address)
        elif data := s.recv(4096):
            received(addresses[s], data)
        else:
            disconnected(addresses.pop(s))
            s.close()
