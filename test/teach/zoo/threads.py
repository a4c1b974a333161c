import threading

from texts import connected, disconnected, listen, received, recv


def serve(conn, address):
    while data := recv(conn):
        received(address, data)
    disconnected(address)
    conn.close()


listener = listen()
while True:
    conn, address = listener.accept()
    connected(address)
    threading.Thread(target=serve, args=(conn, address), daemon=True).start()
