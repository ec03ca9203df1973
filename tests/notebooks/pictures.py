"""The README's two pictures: `python -m tests.notebooks.pictures`.

The chart is what the README's first block of Python draws. The explorer is a photograph of JupyterLab in Chromium.
"""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
from PIL import Image

from tests.browser.jupyter import PATIENCE, Server
from tests.browser.lab import run

ROOT = Path(__file__).parents[2]
PICTURES = ROOT / "notebooks" / "pictures"
COLOURS = 128
EXPLORER = """
import klaviyo_analytics as ka

client = ka.demo()
explorer = ka.widgets.MetricExplorer(client)
explorer.metrics.choose(("Placed Order", "Shopify"))
explorer.state.measurement = "sum_value"
explorer.state.dates.preset = "last 12 months"
explorer.run()
explorer
"""


def chart(path: Path) -> None:
    """Run the README's first block, and save what it draws."""
    blocks = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text("utf-8"), re.DOTALL)
    names: dict[str, Any] = {}
    exec(compile(blocks[0], "README.md", "exec"), names)
    plt.gcf().savefig(path, dpi=150)
    names["client"].close()


def explorer(path: Path) -> None:
    """Open JupyterLab, run an explorer, and photograph it at twice the size of its pixels."""
    from playwright.sync_api import sync_playwright  # noqa: PLC0415  (starts a loop of its own)

    chromium = os.environ.get("CHROMIUM") or shutil.which("chromium")
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        server = Server(Path(folder), "lab").wait()
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        try:
            page = browser.new_page(viewport={"width": 1280, "height": 1400}, device_scale_factor=1.5)
            page.set_default_timeout(PATIENCE * 1_000)
            run(page, server, EXPLORER)
            place = page.locator(".kla-explorer")
            place.wait_for()
            page.wait_for_function("() => document.querySelector('.kla-explorer img')?.complete")
            place.screenshot(path=path)
        finally:
            browser.close()
            server.stop()


def fewer_colours(path: Path) -> None:
    """Store a picture with few colours: it is read in a README, not printed."""
    with Image.open(path) as image:
        flat = image.convert("RGB")
    flat.quantize(COLOURS, method=Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE).save(
        path, optimize=True
    )


if __name__ == "__main__":
    for name, draw in {"trend.png": chart, "explorer.png": explorer}.items():
        draw(PICTURES / name)
        fewer_colours(PICTURES / name)
