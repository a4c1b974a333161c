"""chatclient: shows what the server sends, and sends what is typed. README.md says how."""
import select
import socket
import sys


def open_connection(host, port):
    # 1. A socket that is connected.
    pass


def format_message(message):
    # 4. Extra credit.
    return message


def main(host, port):
    connection = open_connection(host, port)
    # 2. For ever: wait in select.select() for the connection and for sys.stdin.
    # 3. The connection: show what has come, or end. sys.stdin: send the line.


if len(sys.argv) != 3:
    sys.exit("usage: chatclient.py host port")
main(sys.argv[1], int(sys.argv[2]))
