"""What one end sends in pieces, the other receives in other pieces."""
import socket

listener = socket.create_server(("127.0.0.1", 0))
sender = socket.create_connection(listener.getsockname())
receiver, _ = listener.accept()

print("two sends:")
sender.send(b"hello")
sender.send(b"world")
print("  recv", receiver.recv(4096))

print("one send:")
sender.send(b"a longer message")
while len(piece := receiver.recv(6)) == 6:
    print("  recv", piece)
print("  recv", piece)

print("a character of two bytes:")
sender.send("é".encode())
for _ in range(2):
    print("  recv", receiver.recv(1))
