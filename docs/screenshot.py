"""
Draw the picture of the page in docs/how-to/report.md: its top on a desk and on a phone.

    .venv/bin/python docs/screenshot.py

Needs the extra `browser` and a Chromium, as the tests of the page do.
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from io import BytesIO
from pathlib import Path

import numpy as np
from matplotlib import image
from playwright.sync_api import Browser, sync_playwright

import reesupply as rs

TARGET = Path(__file__).parent / "_static" / "report.png"
HEIGHT, GAP = 1150, 40


def main() -> int:
    """Write the page, open it twice, and put the two views side by side."""
    path = os.environ.get("CHROMIUM") or shutil.which("chromium")
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as driver:
        page = rs.reproduce().report(Path(folder) / "report.html", date="2026-05-31")
        browser = driver.chromium.launch(executable_path=path)
        views = [shot(browser, page, width) for width in (1060, 390)]
        browser.close()
    between = np.full((HEIGHT, GAP, 3), 0.8)
    image.imsave(TARGET, np.concatenate([views[0], between, views[1]], axis=1))
    return 0


def shot(browser: Browser, page: Path, width: int) -> np.ndarray:
    """Return the top of the page at a width, shape (row, column, colour)."""
    tab = browser.new_page(viewport={"width": width, "height": HEIGHT})
    tab.goto(page.as_uri())
    return np.asarray(image.imread(BytesIO(tab.screenshot())))[:, :, :3]


if __name__ == "__main__":
    sys.exit(main())
