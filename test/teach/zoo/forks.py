import os
import signal

from texts import connected, disconnected, listen, received, recv

signal.signal(signal.SIGCHLD, signal.SIG_IGN)
listener = listen()
while True:
    conn, address = listener.accept()
    connected(address)
    if os.fork() == 0:
        listener.close()
        while data := recv(conn):
            received(address, data)
        disconnected(address)
        os._exit(0)
    conn.close()
