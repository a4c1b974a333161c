"""How much can be sent to a peer that does not read?"""
import select
import socket

sender, peer = socket.socketpair()
sender.setblocking(False)
writable = lambda: select.select([], [sender], [], 0)[1] == [sender]

print("writable at first:", writable())
sent = 0
try:
    while True:
        sent += sender.send(bytes(4096))
except BlockingIOError as error:
    print("send took", sent, "bytes, then:", error)
print("writable now:", writable())

while sent:
    sent -= len(peer.recv(65536))
print("writable when the peer has read it all:", writable())
