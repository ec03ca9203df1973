"""Something to look at that is not saved: a page of this machine's own, there only while it is needed.

What a widget shows is its state, and a notebook saves that. A link that holds a session token, and rows that name
people, are served beside the notebook instead, under an address that nobody can guess and that ends with the widget.
"""

from __future__ import annotations

import secrets
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

HEADERS = {
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


class Aside:
    """Serves one thing on loopback until it is closed.

    Parameters
    ----------
    link : str, optional
        Where the address leads on to.
    page : callable, optional
        Gives the HTML to show, each time that it is asked for.

    Raises
    ------
    OSError
        This machine allows no server.
    """

    def __init__(self, *, link: str | None = None, page: Callable[[], str] | None = None) -> None:
        path = f"/{secrets.token_urlsafe(24)}"

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                known = secrets.compare_digest(self.path.encode(), path.encode())
                body = page().encode() if known and page else b""
                self.send_response(404 if not known else 200 if page else 302)
                for name, value in HEADERS.items():
                    self.send_header(name, value)
                if known and link:
                    self.send_header("Location", link)
                self.send_header("Content-Type", "text/html; charset=utf-8")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.address = f"http://127.0.0.1:{self._server.server_port}{path}"
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(0.1,), name="klaviyo-aside", daemon=True
        )
        self._thread.start()

    def close(self) -> None:
        """End it."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


def aside(*, link: str | None = None, page: Callable[[], str] | None = None) -> Aside | None:
    """Open one, or give None where this machine allows no server."""
    try:
        return Aside(link=link, page=page)
    except OSError:
        return None
