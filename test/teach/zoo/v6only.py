import socket
import sys

with socket.create_server(("::", int(sys.argv[1])), family=socket.AF_INET6) as listener:
    conn, _ = listener.accept()
    while data := conn.recv(4096):
        conn.send(data)
