from texts import connected, disconnected, listen, received, recv

listener = listen()
while True:
    conn, address = listener.accept()
    connected(address)
    while data := recv(conn):
        received(address, data)
    disconnected(address)
    conn.close()
