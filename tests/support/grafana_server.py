"""A small server that plays the part of Grafana's HTTP API that ``dashboards.push`` uses. It is no Grafana."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

TOKEN = "glsa_secret-of-the-test"


class PlayedGrafana:
    """Folders and dashboards in memory, and every call that was made."""

    def __init__(self) -> None:
        self.folders: dict[str, str] = {}
        self.dashboards: dict[str, dict[str, Any]] = {}
        self.calls: list[tuple[str, str]] = []
        self.fails: dict[str, tuple[int, object]] = {}
        """Status and body to answer by path."""
        self.url = ""

    def answer(self, method: str, path: str, token: str, body: Any) -> tuple[int, object]:
        """What Grafana 11 answers."""
        self.calls.append((method, path))
        if token != f"Bearer {TOKEN}":
            return 401, {"message": "Invalid API key"}
        if path in self.fails:
            return self.fails[path]
        match method, path.removeprefix("/api/").split("/"):
            case "GET", ["folders", uid] if uid in self.folders:
                return 200, {"uid": uid, "title": self.folders[uid]}
            case "POST", ["folders"]:
                self.folders[body["uid"]] = body["title"]
                return 200, body
            case "GET", ["dashboards", "uid", uid] if uid in self.dashboards:
                return 200, self.dashboards[uid]
            case "POST", ["dashboards", "db"]:
                return self._save(body)
        return 404, {"message": "not found"}

    def _save(self, body: Any) -> tuple[int, object]:
        if body["folderUid"] not in self.folders:
            return 400, {"message": "folder not found"}
        kept = self.dashboards.get(body["dashboard"]["uid"], {"dashboard": {"version": 0}})
        version = kept["dashboard"]["version"] + 1
        dashboard = {**body["dashboard"], "id": len(self.dashboards) + 1, "version": version}
        self.dashboards[dashboard["uid"]] = {"dashboard": dashboard, "meta": {"folderUid": body["folderUid"], "version": version}}
        return 200, {"status": "success", "uid": dashboard["uid"], "version": version}


@contextmanager
def played_grafana() -> Iterator[PlayedGrafana]:
    """One on a free port of this machine."""
    played = PlayedGrafana()

    class Handler(BaseHTTPRequestHandler):
        def _do(self) -> None:
            size = int(self.headers.get("Content-Length") or 0)
            body = json.loads(self.rfile.read(size)) if size else None
            status, said = played.answer(self.command, self.path, self.headers.get("Authorization", ""), body)
            data = said if isinstance(said, bytes) else json.dumps(said).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        do_GET = do_POST = _do  # noqa: N815 - the names that http.server calls

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - as the class above names it
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    played.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield played
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
