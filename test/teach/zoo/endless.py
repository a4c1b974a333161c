"""Runs for ever in a loop of its own once the first client has come."""
import resource
import select

from texts import connected, listen

listener = listen()
select.select([listener], [], [])
conn, address = listener.accept()
connected(address)
resource.setrlimit(resource.RLIMIT_CPU, (60, 60))  # should nobody end it
while True:
    pass
