"""Asks once for each line of standard input, in one session of the Agent SDK, and so of one Claude Code."""

import asyncio
import sys

from claude_agent_sdk import ClaudeAgentOptions, ClaudeSDKClient, ResultMessage


async def main():
    async with ClaudeSDKClient(ClaudeAgentOptions()) as client:
        while line := await asyncio.to_thread(sys.stdin.readline):
            await client.query("hi")
            async for message in client.receive_response():
                if isinstance(message, ResultMessage):
                    print("failed:" if message.is_error else "answered:", message.result, flush=True)
            print("over", line, end="", flush=True)


asyncio.run(main())
