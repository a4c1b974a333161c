"""Three guests of a chat: one sends 16 MiB, one reads all of it, and one never reads."""
import select
import socket
import sys

SIZE = 16 * 2**20


def join(receive_buffer=None):
    s = socket.socket()
    if receive_buffer:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
    s.connect((sys.argv[1], int(sys.argv[2])))
    greeting = s.recv(24)
    return s


silent, reader, talker = join(4096), join(), join()
talker.setblocking(False)
sent = received = 0
while received < SIZE:
    wlist = [talker] if sent < SIZE else []
    readable, writable, _ = select.select([reader], wlist, [])
    if readable:
        received += len(reader.recv(65536))
    if writable:
        sent += talker.send(bytes(min(65536, SIZE - sent)))
print("the reader has all", received, "bytes")

got = 0
while data := silent.recv(65536):
    got += len(data)
print("the silent one was disconnected; before that", got, "bytes had been sent to it")
