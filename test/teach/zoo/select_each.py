"""A thread for each client, which waits in a select() of its own."""
import select
import threading

from texts import connected, disconnected, listen, received, recv


def serve(conn, address):
    while True:
        select.select([conn], [], [])
        data = recv(conn)
        if not data:
            break
        received(address, data)
    disconnected(address)
    conn.close()


listener = listen()
while True:
    select.select([listener], [], [])
    conn, address = listener.accept()
    connected(address)
    threading.Thread(target=serve, args=(conn, address), daemon=True).start()
