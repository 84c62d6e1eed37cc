"""Puts the Claude token that Tokenferry keeps in a file into each of LiteLLM's requests, as it is then."""

from pathlib import Path

from litellm.integrations.custom_logger import CustomLogger

PREFIX = "tokenferry/file/"


class Token(CustomLogger):
    async def async_pre_call_deployment_hook(self, kwargs, call_type):
        api_key = kwargs.get("api_key")
        if isinstance(api_key, str) and api_key.startswith(PREFIX):
            kwargs["api_key"] = Path(api_key.removeprefix(PREFIX)).read_text().strip()
        return kwargs


token = Token()
