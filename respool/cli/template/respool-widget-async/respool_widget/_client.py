"""A stand-in for your client library: lines over a stream. Delete it when you have the real one."""

from __future__ import annotations

import asyncio


class Client:
    """A connection to the server, and with it one variable that the server keeps as long."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    @classmethod
    async def connect(cls, host: str, port: int) -> Client:
        """Connect."""
        return cls(*await asyncio.open_connection(host, port))

    async def ask(self, line: str) -> str:
        """Send a line and give the answer."""
        self.writer.write(line.encode() + b"\n")
        await self.writer.drain()
        answer = await self.reader.readline()
        if not answer.endswith(b"\n"):
            raise ConnectionResetError("the server has hung up")
        return answer.decode().strip()

    async def close(self) -> None:
        """Close the connection."""
        self.writer.close()
        await self.writer.wait_closed()
