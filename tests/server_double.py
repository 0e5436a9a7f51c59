"""A server of OpenAI's protocol in a thread, that plays each kind of server and every fault.

Its model is a list of names: under each label of a question it writes the names that the text holds. What it writes
under a grammar is bound to it in earnest, by llguidance over bytes.

>>> with Double("vllm") as double:  # doctest: +SKIP
...     open_engine("openai", double.url)
"""

from __future__ import annotations

import json
import socket
import struct
import threading
import time
from collections import Counter
from collections.abc import Callable, Collection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

NAMES = ("Ada", "Bob", "Cleo", "Dan", "康有为")
MODEL = "names"
OWNERS = {"vllm": "vllm", "sglang": "sglang", "llama.cpp": "llamacpp", "ollama": "library", "hosted": "openai",
          "ignoring": "someone", "plain": "someone"}

Fault = Callable[[str, int], "str | None"]
"""Text asked, how often it was asked -> what goes wrong, or None."""


class Double:
    """The server; `asked` holds the bodies of all questions, `texts` counts them by text."""

    def __init__(
        self, kind: str = "vllm", *, fault: Fault | None = None, context: int = 4096, key: str = "",
        models: tuple[str, ...] = (MODEL,), wish: Callable[[str], str] | None = None, delay: float = 0,
        compact: bool = False, refuses: Collection[str] = (), port: int = 0, gives_up_after: int = 0,
    ) -> None:
        """`compact`: under a JSON schema, answers have no blanks. `refuses`: fields that it does not take.
        `gives_up_after`: bytes after which a grammar with a question in it is too much for it: it just stops."""
        self.refuses, self.gives_up_after = refuses, gives_up_after
        self.blanks = {"whitespace_flexible": False} if compact else \
            {"whitespace_flexible": False, "item_separator": ", ", "key_separator": ": "}
        self.kind, self.context, self.key, self.models, self.delay = kind, context, key, models, delay
        self.fault, self.wish = fault or (lambda text, n: None), wish or names_in
        self.asked: list[dict[str, Any]] = []
        self.texts: Counter[str] = Counter()
        self.dead = False
        self.now = self.most_at_once = 0
        self.lock = threading.Lock()
        double = self

        class Handler(_Handler):
            server_double = double

        self._server = _Server(("127.0.0.1", port), Handler)
        self.port = self._server.server_address[1]
        self.url = f"http://127.0.0.1:{self.port}/v1"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        self._thread.start()

    def __enter__(self) -> Double:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> None:
        """Let go of the port; whoever asks is refused."""
        if not self.dead:
            self.dead = True
            self._server.shutdown()
            self._server.server_close()
            self._thread.join(10)


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_: object) -> None:
        """Clients that hang up are what is tested."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_double: Double

    def log_message(self, *_: object) -> None:
        pass

    def do_GET(self) -> None:
        d = self.server_double
        if not self._welcome():
            return
        if self.path == "/v1/models":
            self._json({"object": "list", "data": [self._model(m) for m in d.models]})
        elif self.path == "/props" and d.kind == "llama.cpp":
            self._json({"default_generation_settings": {"n_ctx": d.context}})
        elif self.path == "/api/ps" and d.kind == "ollama":
            self._json({"models": [{"model": MODEL, "context_length": d.context}]})
        else:
            self._json({"detail": "Not Found"}, 404)

    def do_POST(self) -> None:
        d = self.server_double
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        if not self._welcome():
            return
        if self.path == "/tokenize" and d.kind in ("vllm", "sglang"):
            said = body.get("prompt") or "".join(m["content"] for m in body["messages"])
            self._json({"count": tokens(said), "max_model_len": d.context})
        elif self.path == "/apply-template" and d.kind == "llama.cpp":
            self._json({"prompt": "".join(m["content"] for m in body["messages"])})
        elif self.path == "/tokenize" and d.kind == "llama.cpp":
            self._json({"tokens": [0] * tokens(body["content"])})
        elif self.path in ("/v1/chat/completions", "/v1/completions"):
            with d.lock:
                d.now += 1
                d.most_at_once = max(d.now, d.most_at_once)
            try:
                self._answer(body, self.path == "/v1/chat/completions")
            finally:
                with d.lock:
                    d.now -= 1
        else:
            self._json({"detail": "Not Found"}, 404)

    def _model(self, name: str) -> dict[str, Any]:
        told = {"max_model_len": self.server_double.context} if self.server_double.kind in ("vllm", "sglang") else {}
        return {"id": name, "object": "model", "owned_by": OWNERS[self.server_double.kind], **told}

    def _welcome(self) -> bool:
        d = self.server_double
        if d.dead:
            self.close_connection = True
            return False
        if d.key and self.headers.get("authorization") != f"Bearer {d.key}":
            said = f"Incorrect API key provided: {self.headers.get('authorization', '').removeprefix('Bearer ')}"
            self._json({"error": {"message": said, "code": "invalid_api_key"}}, 401)
            return False
        return True

    def _answer(self, body: dict[str, Any], chat: bool) -> None:
        d = self.server_double
        said = body["messages"][-1]["content"] if chat else body["prompt"]
        text = text_of(said)
        with d.lock:
            d.asked.append(body)
            d.texts[text] += 1
            n = d.texts[text]
        time.sleep(d.delay)
        if body["model"] not in d.models:
            return self._json({"error": {"message": f"The model `{body['model']}` does not exist"}}, 404)
        if refused := sorted(set(body) & set(d.refuses)):
            better = " Use 'max_completion_tokens' instead." if "max_tokens" in refused else ""
            return self._json({"error": {"message": f"Unsupported parameter: '{refused[0]}'.{better}"}}, 400)
        if (fault := d.fault(text, n)) is not None:
            return self._go_wrong(fault)
        most = body.get("max_tokens") or body.get("max_completion_tokens") or 16
        if tokens(said) + (most if d.kind == "vllm" else 0) > d.context and d.kind != "ollama":
            return self._json({"error": {"message": f"This model's maximum context length is {d.context} tokens."}},
                              400)
        wish = d.wish(said)
        try:
            grammar = grammar_in(body, d.kind, d.blanks)
            answer = bound(grammar, wish.encode(), most) if grammar is not None else wish.encode()[:most]
        except ValueError as e:
            return self._json({"error": {"message": f"grammar: {e}"}}, 400)
        if grammar is not None and d.gives_up_after and said.startswith("{"):
            answer = answer[: d.gives_up_after]
        text = answer.decode("utf-8", "replace")
        finish = "length" if len(answer) >= most else "stop"
        choice: dict[str, Any] = {"index": 0, "finish_reason": finish}
        choice |= {"message": {"role": "assistant", "content": text}} if chat else {"text": text}
        if body.get("logprobs") and d.kind in ("vllm", "llama.cpp", "hosted"):
            each = [{"token": chr(b), "bytes": [b], "logprob": -0.25} for b in answer]
            choice["logprobs"] = {"content": each} if chat else \
                {"tokens": list(text), "token_logprobs": [-0.25] * len(text)}
        usage = {"prompt_tokens": min(tokens(said), d.context), "completion_tokens": len(answer)}
        self._json({"object": "chat.completion", "choices": [choice], "usage": usage})
        return None

    def _go_wrong(self, fault: str) -> None:
        kind, _, more = fault.partition(" ")
        if kind.isdecimal():
            headers = {"retry-after": more} if more.replace(".", "").isdecimal() else {}
            said = "insufficient_quota" if more == "quota" else more or "overloaded"
            self._json({"error": {"message": said}}, int(kind), headers)
        elif kind == "garbage":
            self._bytes(b"\x00\xff\xfe<<<" * 50)
        elif kind == "html":
            self._bytes(b"<html><body>Sign in to the hotel's network</body></html>", "text/html")
        elif kind == "half":
            self._bytes(b'{"choices": [{"message": {"content": "{\\"person\\"')
        elif kind == "torn":  # fewer bytes than promised
            self.send_response(200)
            self.send_header("content-length", "500")
            self.end_headers()
            self.wfile.write(b'{"choices": [')
            self.close_connection = True
        elif kind == "empty":
            self._bytes(b'{"choices": []}')
        elif kind == "reset":
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.close_connection = True
        elif kind == "hang":
            for _ in range(600):
                if self.server_double.dead:
                    break
                time.sleep(0.05)
            self.close_connection = True
        elif kind == "endless":
            self.send_response(200)
            self.send_header("content-type", "application/json")
            self.end_headers()
            self.close_connection = True
            block = b'{"choices": [' + b" " * 65536
            while not self.server_double.dead:
                self.wfile.write(block)
        else:
            raise AssertionError(fault)

    def _json(self, value: Any, status: int = 200, headers: dict[str, str] | None = None) -> None:
        self._bytes(json.dumps(value).encode(), "application/json", status, headers)

    def _bytes(self, data: bytes, kind: str = "application/json", status: int = 200,
               headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in {"content-type": kind, "content-length": str(len(data)), **(headers or {})}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(data)


def text_of(said: str) -> str:
    """The text of a question; the question itself where it is in plain words."""
    start, end = said.find("{"), said.rfind("}")
    try:
        return str(json.loads(said[start : end + 1])["input"])
    except (ValueError, LookupError, TypeError):
        return said


def names_in(said: str) -> str:
    """The answer of the model."""
    start, end = said.find("{"), said.rfind("}")
    try:
        ask = json.loads(said[start : end + 1])
    except ValueError:
        return "hello"
    found = [n for n in NAMES if n in ask["input"]]
    return json.dumps(dict.fromkeys(ask["schema"], found), ensure_ascii=False)


def tokens(text: str) -> int:
    """Tokens of a prompt, in a world where three bytes make one."""
    return len(text.encode("utf-8", "surrogatepass")) // 3 + 5


def grammar_in(body: dict[str, Any], kind: str, blanks: dict[str, Any]) -> Any:
    """The grammar of a request, in the fields that this kind of server knows, for llguidance.

    Raises:
        ValueError: the server refuses it.
    """
    from llguidance import LLMatcher, grammar_from

    given = None
    if kind == "vllm":
        given = (body.get("structured_outputs") or {}).get("grammar")
    elif kind == "sglang":
        given = body.get("ebnf")
    elif kind == "llama.cpp":
        given = body.get("grammar")
    elif kind == "hosted" and set(body) & {"grammar", "structured_outputs", "ebnf", "chat_template_kwargs"}:
        raise ValueError("unknown field")
    if given is not None:
        if kind in ("sglang", "llama.cpp") and "::=" not in given:
            raise ValueError("failed to parse grammar")
        return grammar_from("grammar" if "::=" in given else "lark", given)
    schema = (body.get("response_format") or {}).get("json_schema")
    if schema and kind in ("vllm", "sglang", "llama.cpp", "ollama", "hosted"):
        return LLMatcher.grammar_from_json_schema(json.dumps(schema["schema"]), overrides=blanks)
    return None


def bound(grammar: Any, wish: bytes, most: int) -> bytes:
    """What a model writes that wishes to write `wish`, a byte a token, under a grammar.

    Raises:
        ValueError: the grammar is refused.
    """
    from llguidance import LLMatcher, LLTokenizer

    tokenizer = LLTokenizer("byte")
    matcher = LLMatcher(tokenizer, grammar)
    if matcher.is_error():
        raise ValueError(matcher.get_error())
    out, faithful = bytearray(), True
    while len(out) < most and not matcher.is_stopped():
        mask = matcher.compute_bitmask()
        allowed = [t for t in range(262) if mask[t // 8] >> t % 8 & 1]
        wanted = wish[len(out)] if faithful and len(out) < len(wish) else tokenizer.eos_token
        faithful = faithful and wanted in allowed
        choice = wanted if wanted in allowed else next((t for t in b'"]}' if t in allowed), min(allowed))
        if choice == tokenizer.eos_token:
            break
        matcher.consume_token(choice)
        out.append(choice)
    return bytes(out)
