"""The page in a real browser: no errors, working links and buttons, readable on a phone and a wide
screen, in both themes.
"""

import shutil
from dataclasses import replace

import pytest

from ncfcheck.report.page import render
from tests.support.pages import NASTY, many, nasty, run

BROWSER = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome", "chrome"))),
    None,
)
sync_api = pytest.importorskip("playwright.sync_api") if BROWSER else None
pytestmark = pytest.mark.skipif(
    not BROWSER, reason="there is no Chromium: apt-get install chromium"
)

WIDTHS = (360, 1600)
SEEN = """() => {
  const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
  const box = target.getBoundingClientRect();
  return box.top < innerHeight && box.bottom > 0 && (target.tagName !== "DETAILS" || target.open);
}"""


@pytest.fixture(scope="module")
def browser():
    with sync_api.sync_playwright() as playwright:
        found = playwright.chromium.launch(executable_path=BROWSER, args=["--no-sandbox"])
        yield found
        found.close()


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    """A page with claims of all kinds, one of them made to break out, a
    counterexample and figures.
    """
    result, extras = nasty()
    figures = {result.id: [("a caption", picture())]}
    page = render(
        run(result, *many(2, 20)), replace(extras, figures=figures, pictured={result.id: NASTY})
    )
    path = tmp_path_factory.mktemp("page") / "report.html"
    path.write_text(page)
    return path.as_uri()


def picture():
    from markupsafe import Markup
    from matplotlib.figure import Figure

    from ncfcheck.report.plots import INK, inline

    figure = Figure(figsize=(4, 3))
    axes = figure.subplots()
    axes.plot([1, 2], [3, 4], color=INK)
    axes.set_title("title", color=INK)
    return Markup(inline(figure, "picture", "a picture"))


@pytest.fixture
def page(browser, address, request):
    """The page at a width and in a theme, with all that it complained of."""
    width, theme = getattr(request, "param", (1600, "light"))
    context = browser.new_context(
        viewport={"width": width, "height": 900}, color_scheme=theme, offline=True
    )
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    found, complaints = context.new_page(), []
    found.on("console", lambda message: complaints.append(message.text))
    found.on("pageerror", lambda error: complaints.append(str(error)))
    found.on("dialog", lambda dialog: complaints.append(f"dialog: {dialog.message}"))
    found.goto(address)
    yield found
    assert complaints == []
    context.close()


everywhere = pytest.mark.parametrize(
    "page", [(w, theme) for w in WIDTHS for theme in ("light", "dark")], indirect=True
)


@everywhere
def test_nothing_is_wider_than_the_screen(page):
    page.evaluate("for (const each of document.querySelectorAll('details')) each.open = true")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    sizes = (
        "[...document.querySelectorAll('td, p, dd, li')].map(e => "
        "parseFloat(getComputedStyle(e).fontSize))"
    )
    size = page.evaluate(f"Math.min(...{sizes})")
    assert size >= 12


@pytest.mark.parametrize("page", [(360, "light"), (1600, "dark")], indirect=True)
def test_axe_finds_nothing_to_object_to(page):
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()
    page.evaluate("for (const each of document.querySelectorAll('details')) each.open = true")
    found = axe.run(
        page, options={"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "best-practice"]}
    )
    told = [
        (each["id"], [node["target"] for node in each["nodes"]][:3])
        for each in found.response["violations"]
    ]
    assert told == []


def test_every_link_leads_to_what_is_then_seen(page):
    for link in page.query_selector_all('a[href^="#"]:visible'):
        link.evaluate(
            "link => link.click()"
        )  # the first one is off the screen until it has the focus
        page.wait_for_timeout(20)
        assert page.evaluate(SEEN), link.get_attribute("href")


def test_every_copy_button_copies_its_command(page):
    buttons = page.query_selector_all("button[data-copy]")
    assert len(buttons) == 4
    for button in buttons:
        button.scroll_into_view_if_needed()
        button.click()
        page.wait_for_timeout(50)
        assert page.evaluate("navigator.clipboard.readText()") == button.get_attribute("data-copy")
        assert page.inner_text("#said").startswith("Copied: ncfcheck ")


def test_the_theme_can_be_changed_and_the_filter_leaves_what_matches(page):
    before = page.evaluate("getComputedStyle(document.body).backgroundColor")
    page.click("#theme")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") != before
    page.fill("#search", "claim1")
    assert page.inner_text("#count") == "1 shown"
    assert page.locator("tbody tr[data-words]:visible").count() == 1
    page.fill("#search", "")
    assert page.locator("tbody tr[data-words]:visible").count() == 3


def test_the_page_can_be_used_with_the_keyboard_alone(page):
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    page.keyboard.press("Enter")
    assert page.evaluate("location.hash") == "#content"
    page.focus("details.claim:not([open]) summary")
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.parentElement.open")


def test_what_users_wrote_is_shown_as_they_wrote_it(page):
    assert NASTY in page.text_content("details.claim .id")


def test_it_prints_with_all_claims_open(page):
    page.emulate_media(media="print")
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert page.evaluate("[...document.querySelectorAll('details')].every(each => each.open)")
    assert len(page.pdf()) > 10_000
