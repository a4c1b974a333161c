import select
import socket
import sys


def open_connection(host, port):
    return socket.create_connection((host, port))


def format_message(message):
    name, separator, text = message.partition("::")
    return f"[{name}] {text}" if separator else message


def main():
    my_socket = open_connection(sys.argv[1], int(sys.argv[2]))
    while True:
        for s in select.select([my_socket, sys.stdin], [], [])[0]:
            if s is sys.stdin:
                line = sys.stdin.readline()
                if line == "/quit\n":
                    return
                my_socket.sendall(line.encode())
            elif message := s.recv(1024):
                print(format_message(message.decode()))
            else:
                print("Disconnected from server!")
                return


main()
