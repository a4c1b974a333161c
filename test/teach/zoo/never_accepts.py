"""Listens, and waits for the keyboard; the kernel keeps one client for it, and no more."""
import socket
import sys

listener = socket.create_server(("127.0.0.1", int(sys.argv[1])), backlog=0)
input()
