"""Asks once for each line of standard input, with one client of Anthropic's SDK that goes by its profile."""

import sys

from anthropic import Anthropic

client = Anthropic(max_retries=0)
for line in sys.stdin:
    try:
        message = client.messages.create(
            model=sys.argv[1], max_tokens=64, messages=[{"role": "user", "content": "hi"}]
        )
        print("answered:", message.content[0].text, flush=True)
    except Exception as error:
        print("failed:", type(error).__name__, error, flush=True)
    print("over", line, end="", flush=True)
