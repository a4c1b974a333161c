import asyncio
import sys

from texts import connected, disconnected, received


async def serve(reader, writer):
    address = writer.get_extra_info("peername")
    connected(address)
    try:
        while data := await reader.read(4096):
            received(address, data)
    except ConnectionResetError:
        pass
    disconnected(address)
    writer.close()


async def main():
    server = await asyncio.start_server(serve, "127.0.0.1", int(sys.argv[1]))
    await server.serve_forever()


asyncio.run(main())
