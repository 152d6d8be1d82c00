#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""talk-server.py NAME PORT - answers each line with NAME, the number of the line on its connection, and the line; see talk.py.

Ends when its standard input is closed.
"""
import asyncio
import os
import sys


async def serve(reader, writer):
    count = 0
    try:
        while line := await reader.readline():
            count += 1
            writer.write(f'{sys.argv[1]} {count} '.encode() + line)
    except OSError:
        pass
    finally:
        writer.close()


async def main():
    await asyncio.start_server(serve, '', int(sys.argv[2]), backlog=1024)
    print('ready', flush=True)
    ended = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(ended), sys.stdin)
    await ended.read()
    os._exit(0)


asyncio.run(main())
