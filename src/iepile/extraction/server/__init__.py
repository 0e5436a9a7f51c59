"""Talking to servers that speak OpenAI's protocol: what the engine `openai` is made of."""
