import select

from texts import connected, disconnected, listen, recv

listener = listen()
addresses = {}
counts = {}
while True:
    readable, _, _ = select.select([listener, *addresses], [], [])
    for s in readable:
        if s is listener:
            conn, address = listener.accept()
            addresses[conn] = address
            connected(address)
        elif data := recv(s):
            counts[s] = counts.get(s, 0) + len(data)
            print(f"{addresses[s]} {counts[s]} bytes: {data}")
        else:
            disconnected(addresses.pop(s))
            s.close()
