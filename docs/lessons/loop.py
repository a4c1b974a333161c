"""An echo server: one thread, one select, any number of clients."""
import select
import socket
import sys

listener = socket.create_server(("127.0.0.1", int(sys.argv[1])))
print("ready", flush=True)
rlist = [listener]
while True:
    readable, _, _ = select.select(rlist, [], [])
    for s in readable:
        if s is listener:
            conn, addr = s.accept()
            rlist.append(conn)
        elif data := s.recv(4096):
            s.sendall(data)  # lesson 4 says what is wrong with this line
        else:
            rlist.remove(s)
            s.close()
