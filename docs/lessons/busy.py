"""Never waits: a timeout of 0 in a loop."""
import os
import select
import socket
import sys

listener = socket.create_server(("127.0.0.1", int(sys.argv[1])))
print("ready, process", os.getpid(), flush=True)
while True:
    readable, _, _ = select.select([listener], [], [], 0)
    for s in readable:
        s.accept()[0].close()
