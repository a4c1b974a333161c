"""What does select say of a descriptor whose other end has closed?"""
import select
import socket

conn, peer = socket.socketpair()
print("readable with nothing sent:", select.select([conn], [], [], 0)[0] == [conn])
peer.shutdown(socket.SHUT_WR)
for _ in range(3):
    readable, _, _ = select.select([conn], [], [], 10)
    print("readable:", readable == [conn], conn.recv(4096))
conn.send(b"still open")
print("and the other way:", peer.recv(4096))
