import select

from texts import disconnected, listen, received, recv

listener = listen()
addresses = {}
while True:
    readable, _, _ = select.select([listener, *addresses], [], [])
    for s in readable:
        if s is listener:
            conn, address = listener.accept()
            addresses[conn] = address
            print("New client:", address)
        elif data := recv(s):
            received(addresses[s], data)
        else:
            disconnected(addresses.pop(s))
            s.close()
