"""select() on the listener alone; then it stays with one client."""
import select

from texts import connected, disconnected, listen, received, recv

listener = listen()
while True:
    select.select([listener], [], [])
    conn, address = listener.accept()
    connected(address)
    while data := recv(conn):
        received(address, data)
    disconnected(address)
    conn.close()
