"""Pictures of the README, from a real run: `make pictures`. Needs Chromium and the test extra."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from playwright.sync_api import sync_playwright

HERE = Path(__file__).parent
CLAIMS = (
    "early.*",
    "flow.*",
    "rank_one.[sn]*",
    "conjecture.one_limit",
    "control.large_init*",
    "control.wrong*",
)
SHOTS = {  # file → (width, height, theme, claim that is opened; or none, for the top of the page)
    "report.png": (1100, 760, "light", None),
    "claim.png": (1100, 1760, "dark", "flow.blowup_rate"),
    "phone.png": (360, 760, "dark", None),
}


def ncfcheck(*arguments: str) -> None:
    """A command that must work."""
    subprocess.run([sys.executable, "-m", "ncfcheck.app.cli", *arguments], check=True)


def main() -> None:
    """A run, its page in the browser, and the flows of one instance."""
    ncfcheck("plot", "early.direction_aligns", "-o", str(HERE / "flows.png"))
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        page = Path(folder) / "report.html"
        ncfcheck("check", *CLAIMS, "--profile", "quick", "--quiet", "--html", str(page))
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox"]
        )
        for name, (width, height, theme, claim) in SHOTS.items():
            shown = browser.new_page(
                viewport={"width": width, "height": height}, color_scheme=theme
            )
            shown.goto(page.as_uri() + (f"#claim-{claim}" if claim else ""))
            shown.wait_for_timeout(500)
            shown.screenshot(path=HERE / name)
        browser.close()


if __name__ == "__main__":
    main()
