import select

from texts import connected, disconnected, listen, received, recv

listener = listen()
poll = select.poll()
poll.register(listener, select.POLLIN)
conns = {}
while True:
    for fd, _ in poll.poll():
        if fd == listener.fileno():
            conn, address = listener.accept()
            conns[conn.fileno()] = conn, address
            poll.register(conn, select.POLLIN)
            connected(address)
            continue
        conn, address = conns[fd]
        if data := recv(conn):
            received(address, data)
        else:
            disconnected(address)
            poll.unregister(fd)
            del conns[fd]
            conn.close()
