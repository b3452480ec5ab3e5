"""A client of a language server: JSON-RPC over its standard input and output, as an editor speaks it."""

import json
import subprocess
from collections.abc import Mapping
from pathlib import Path
from threading import Timer
from types import TracebackType
from typing import Any

PATIENCE_S = 60  # for one answer, on a loaded machine


class LanguageServer:
    """A server in a process of its own, and the one conversation with it. A context manager.

    `settings` are what it asks for (`workspace/configuration`), by section.
    """

    def __init__(self, command: list[str], *, root: Path, settings: Mapping[str, Any]) -> None:
        self._settings = settings
        self._diagnostics: dict[str, list[Any]] = {}
        self._last_id = 0
        self._process = subprocess.Popen(
            command, cwd=root, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
        self.capabilities = self.ask(
            "initialize",
            processId=None,
            rootUri=root.as_uri(),
            workspaceFolders=[{"uri": root.as_uri(), "name": root.name}],
            capabilities={
                "workspace": {"configuration": True, "workspaceFolders": True},
                "textDocument": {
                    "completion": {"completionItem": {"snippetSupport": False, "documentationFormat": ["markdown"]}},
                    "hover": {"contentFormat": ["markdown"]},
                },
            },
        )["capabilities"]
        self.tell("initialized")
        while (message := self._receive()).get("method") != "workspace/configuration":
            self._heed(message)
        self._heed(message)  # before a document is shown: what it says of one must be by these settings

    def __enter__(self) -> "LanguageServer":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._process.kill()
        self._process.communicate()

    def show(self, path: Path, text: str) -> None:
        """Opens a document as it stands in an editor, saved or not."""
        uri = path.as_uri()
        self.tell("textDocument/didOpen", textDocument={"uri": uri, "languageId": "yaml", "version": 1, "text": text})

    def diagnostics(self, path: Path) -> list[Any]:
        """What it says of a document that was shown: once for each showing, whichever came first."""
        uri = path.as_uri()
        while uri not in self._diagnostics:
            self._heed(self._receive())
        return self._diagnostics.pop(uri)

    def at(self, method: str, path: Path, line: int, character: int) -> Any:
        """What it answers for a place: `line` and `character` count from 0, as the protocol has it."""
        return self.ask(
            f"textDocument/{method}",
            textDocument={"uri": path.as_uri()},
            position={"line": line, "character": character},
        )

    def ask(self, method: str, **parameters: Any) -> Any:
        self._last_id += 1
        self._send({"id": self._last_id, "method": method, "params": parameters})
        while "method" in (message := self._receive()) or message.get("id") != self._last_id:
            self._heed(message)
        assert "error" not in message, message
        return message["result"]

    def tell(self, method: str, **parameters: Any) -> None:
        self._send({"method": method, "params": parameters})

    def _heed(self, message: Any) -> None:
        """What the server says and asks by itself."""
        match message.get("method"):
            case "textDocument/publishDiagnostics":
                self._diagnostics[message["params"]["uri"]] = message["params"]["diagnostics"]
            case "workspace/configuration":
                asked = [self._settings.get(item.get("section")) for item in message["params"]["items"]]
                self._send({"id": message["id"], "result": asked})
            case _ if "id" in message and "method" in message:
                self._send({"id": message["id"], "result": None})

    def _send(self, message: Mapping[str, Any]) -> None:
        body = json.dumps({"jsonrpc": "2.0", **message}).encode()
        assert self._process.stdin is not None
        self._process.stdin.write(b"Content-Length: %d\r\n\r\n" % len(body) + body)
        self._process.stdin.flush()

    def _receive(self) -> Any:
        assert self._process.stdout is not None
        patience = Timer(PATIENCE_S, self._process.kill)
        patience.start()
        try:
            length = 0
            while header := self._process.stdout.readline().strip():
                name, _, value = header.partition(b":")
                length = int(value) if name.lower() == b"content-length" else length
            assert length, f"the server ended, or said nothing for {PATIENCE_S} s"
            return json.loads(self._process.stdout.read(length))
        finally:
            patience.cancel()
            patience.join()
