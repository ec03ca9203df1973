"""A Jupyter or Voilà server on this machine, with no configuration of the user's and no calls to the world.

The notebooks of one server share a kernel, which forgets everything in between: to start one and to import what all
of them need takes longer than most tests.
"""

from __future__ import annotations

import ctypes
import json
import os
import random
import secrets
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from typing import Literal

from jupyter_client.blocking.client import BlockingKernelClient

ROOT = Path(__file__).parents[2]
# Seconds for whatever is waited for: what is there in a moment on an idle machine may take minutes on a loaded one.
PATIENCE = float(os.environ.get("KLAVIYO_BROWSER_PATIENCE", "240"))
OVERRIDES = {
    "@jupyterlab/apputils-extension:notification": {
        "checkForUpdates": False,
        "fetchNews": "false",
        "doNotDisturbMode": True,
    },
    "@jupyterlab/docmanager-extension:plugin": {"autosave": False},
    "@jupyterlab/notebook-extension:tracker": {"windowingMode": "none"},
    "@jupyter-widgets/jupyterlab-manager:plugin": {"saveState": True},
}
FORGET = """
import ipywidgets, matplotlib.pyplot
for _each in ("client", "sandbox"):
    if _each in globals():
        globals()[_each].close()
ipywidgets.Widget.close_all()
matplotlib.pyplot.close("all")
get_ipython().reset(new_session=True)
"""


class Server:
    """One server in a folder of its own; it ends with this process, however that ends."""

    def __init__(self, folder: Path, kind: Literal["lab", "voila"], notebook: Path | None = None) -> None:
        self.token, self.port, self.folder = secrets.token_hex(16), _free_port(), folder / "work"
        self.url = f"http://127.0.0.1:{self.port}"
        self.folder.mkdir(parents=True)
        self._log, self._runtime, self._kernel = folder / f"{kind}.log", folder / "runtime", ""
        command, self._ready = self._lab() if kind == "lab" else self._voila(notebook)
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", *command],
                cwd=self.folder,
                env=_environment(folder),
                start_new_session=True,
                preexec_fn=_end_with_parent,  # noqa: PLW1509  (calls nothing but prctl)
                stdout=log,
                stderr=subprocess.STDOUT,
            )

    def wait(self) -> Server:
        """Wait until it answers."""
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end and self._process.poll() is None:
            try:
                with urllib.request.urlopen(self._ready, timeout=PATIENCE):
                    return self
            except OSError as error:
                if getattr(error, "code", None) in (401, 403, 404):
                    return self
                time.sleep(0.1)
        raise RuntimeError(f"the server did not start:\n{self._log.read_text()[-4000:]}")

    def stop(self) -> None:
        """End it, and its kernels."""
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(15)
        except subprocess.TimeoutExpired:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()

    def write(self, *cells: str) -> str:
        """Write a notebook under a new name, with a kernel that knows nothing, and give the name."""
        code: dict[str, object] = {
            "cell_type": "code",
            "execution_count": None,
            "metadata": {},
            "outputs": [],
        }
        notebook = {
            "cells": [{**code, "id": f"cell-{place}", "source": cell} for place, cell in enumerate(cells)],
            "metadata": {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}},
            "nbformat": 4,
            "nbformat_minor": 5,
        }
        name = f"{secrets.token_hex(4)}.ipynb"
        (self.folder / name).write_text(json.dumps(notebook))
        self._use_kernel(name)
        return name

    def address(self, notebook: str) -> str:
        """Give the address of a page with one notebook."""
        return f"{self.url}/doc/tree/{notebook}?token={self.token}&reset"

    def _use_kernel(self, notebook: str) -> None:
        if self._kernel:
            self._forget()
        kernel = {"id": self._kernel} if self._kernel else {"name": "python3"}
        session = {"path": notebook, "name": notebook, "type": "notebook", "kernel": kernel}
        request = urllib.request.Request(
            f"{self.url}/api/sessions?token={self.token}", json.dumps(session).encode(), method="POST"
        )
        with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
            self._kernel = json.load(answer)["kernel"]["id"]

    def _forget(self) -> None:
        client = BlockingKernelClient(connection_file=str(self._runtime / f"kernel-{self._kernel}.json"))
        client.load_connection_file()
        client.start_channels()
        try:
            reply = client.execute(FORGET, silent=True, reply=True, timeout=PATIENCE)
        finally:
            client.stop_channels()
        assert reply["content"]["status"] == "ok", reply["content"]

    def _lab(self) -> tuple[list[str], str]:
        return [
            "jupyterlab",
            "--no-browser",
            f"--ServerApp.port={self.port}",
            "--ServerApp.port_retries=0",
            "--ServerApp.ip=127.0.0.1",
            f"--IdentityProvider.token={self.token}",
            "--ServerApp.terminals_enabled=False",
            "--allow-root",
            f"--ServerApp.root_dir={self.folder}",
            "--LabApp.expose_app_in_browser=True",
            "--LabApp.extension_manager=readonly",
            "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
            "--LabApp.news_url=None",
            f"--MappingKernelManager.kernel_info_timeout={PATIENCE:.0f}",
        ], f"{self.url}/api/status?token={self.token}"

    def _voila(self, notebook: Path | None) -> tuple[list[str], str]:
        assert notebook is not None
        return (
            [
                "voila",
                str(notebook),
                "--no-browser",
                f"--port={self.port}",
                "--Voila.ip=127.0.0.1",
                f"--Voila.token={self.token}",
                "--theme=light",
                f"--VoilaExecutor.startup_timeout={PATIENCE:.0f}",
                # otherwise it goes on without the outputs after four seconds
                f"--VoilaExecutor.iopub_timeout={PATIENCE:.0f}",
            ],
            f"{self.url}/voila/static/voila.js",
        )


def _environment(folder: Path) -> dict[str, str]:
    settings = folder / "config" / "labconfig"
    settings.mkdir(parents=True)
    quiet = {"disabledExtensions": {"@jupyterlab/apputils-extension:announcements": True}}
    (settings / "page_config.json").write_text(json.dumps(quiet))
    (settings / "default_setting_overrides.json").write_text(json.dumps(OVERRIDES))
    own = {
        "JUPYTER_CONFIG_DIR": "config",
        "JUPYTER_DATA_DIR": "data",
        "JUPYTER_RUNTIME_DIR": "runtime",
        "IPYTHONDIR": "ipython",
        "JUPYTERLAB_WORKSPACES_DIR": "workspaces",
        "JUPYTERLAB_SETTINGS_DIR": "user-settings",
        "KLAVIYO_ANALYTICS_HOME": "home",
    }
    keys = ("MATON_API_KEY", "KLAVIYO_API_KEY", "KLAVIYO_BASE_URL")
    environment = {name: value for name, value in os.environ.items() if name not in keys}
    environment.update({name: str(folder / place) for name, place in own.items()})
    environment["PYDEVD_DISABLE_FILE_VALIDATION"] = "1"
    environment["PYTHONPATH"] = str(ROOT)
    environment["PATH"] = str(Path(sys.executable).parent) + os.pathsep + environment.get("PATH", "")
    return environment


def _free_port() -> int:
    """Choose a port that no system gives away by itself: the server takes seconds before it takes the port."""
    ports = list(range(20_000, 30_000))
    random.shuffle(ports)
    return next(port for port in ports if _is_free(port))


def _is_free(port: int) -> bool:
    with socket.socket() as listener:
        try:
            listener.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


def _end_with_parent() -> None:
    """Have Linux end the server with its parent: a pytest that is killed tears nothing down."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(1, signal.SIGTERM)  # PR_SET_PDEATHSIG
