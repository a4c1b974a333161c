import select

from texts import connected, disconnected, listen, recv

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
            print(f"{addresses[s]} {len(repr(data))} bytes: {data}")
        else:
            disconnected(addresses.pop(s))
            s.close()
