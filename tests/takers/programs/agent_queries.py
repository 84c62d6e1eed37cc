"""Asks once for each line of standard input, each by a query of its own, with the variables that a .env has by then."""

import asyncio
import sys

from claude_agent_sdk import ClaudeAgentOptions, ResultMessage, query
from dotenv import dotenv_values


async def main():
    while line := await asyncio.to_thread(sys.stdin.readline):
        options = ClaudeAgentOptions(env=dotenv_values(sys.argv[1]))
        async for message in query(prompt="hi", options=options):
            if isinstance(message, ResultMessage):
                print("failed:" if message.is_error else "answered:", message.result, flush=True)
        print("over", line, end="", flush=True)


asyncio.run(main())
