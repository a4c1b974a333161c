"""Ends its own side of the stream, and reads the other side to the end."""
import socket
import sys

s = socket.create_connection((sys.argv[1], int(sys.argv[2])))
s.sendall(b"the last words")
s.shutdown(socket.SHUT_WR)
while data := s.recv(4096):
    print("received", data)
print("the server has closed its side, too")
