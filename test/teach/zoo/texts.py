"""The right texts, and a listener on the port of the command line."""
import socket
import sys


def listen():
    listener = socket.create_server(("127.0.0.1", int(sys.argv[1])))
    print("waiting for connections")
    return listener


def connected(address):
    print(f"{address}: connected")


def received(address, data):
    print(f"{address} {len(data)} bytes: {data}")


def disconnected(address):
    print(f"{address}: disconnected")


def recv(conn, size=4096):
    try:
        return conn.recv(size)
    except ConnectionResetError:
        return b""
