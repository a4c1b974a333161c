import argparse
import select
import socket
import sys

parser = argparse.ArgumentParser()
parser.add_argument("-p", "--port", type=int, default=12345)
parser.add_argument("-v", "--verbose", action="store_true")
options = parser.parse_args()
listener = socket.socket()
listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
try:
    listener.bind(("", options.port))
except OSError as error:
    sys.exit(f"cannot listen on port {options.port}: {error}")
listener.listen()
socks = [listener]
try:
    while True:
        for s in select.select(socks, [], [])[0]:
            if s is listener:
                conn, address = s.accept()
                conn.send(b"Thank you for connecting")
                socks.append(conn)
                if options.verbose:
                    print("connection from", address)
                continue
            try:
                data = s.recv(1024)
            except OSError:
                data = b""
            if not data:
                socks.remove(s)
                s.close()
            for other in socks:
                if data and other is not listener and other is not s:
                    other.sendall(data)
except KeyboardInterrupt:
    pass
