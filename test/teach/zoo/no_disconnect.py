import select

from texts import connected, listen, received, recv

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
            del addresses[s]
            s.close()
