"""Puts lines together from a stream that comes in any pieces."""
pending = b""


def lines(data):
    """The lines that are complete now; the rest waits for the next call."""
    global pending
    *complete, pending = (pending + data).split(b"\n")
    return complete


for data in [b"hel", b"lo\nwor", b"ld\nhow are", b" you\n"]:
    print(data, "->", lines(data))
