import selectors

from texts import connected, disconnected, listen, received, recv

sel = selectors.DefaultSelector()
sel.register(listen(), selectors.EVENT_READ)
while True:
    for key, _ in sel.select():
        if key.data is None:
            conn, address = key.fileobj.accept()
            sel.register(conn, selectors.EVENT_READ, address)
            connected(address)
        elif data := recv(key.fileobj):
            received(key.data, data)
        else:
            disconnected(key.data)
            sel.unregister(key.fileobj)
            key.fileobj.close()
