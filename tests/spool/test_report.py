"""`ringspool report`: a status page in one file, looked at in Chromium."""

import os
import re
import stat
import subprocess
from html.parser import HTMLParser

import pytest

from browser import Browser
from consuming import TOOL
from looking import (PHONE, PRESENCE, SMS, SUBSCRIPTION, TEXT, VOICEMAIL, event, site, subscription)  # noqa: F401

VOID = {"meta", "wbr", "line"}


class Page(HTMLParser):
    """A page, as its parts; ill-formed ones are refused."""

    def __init__(self, text):
        super().__init__()
        self.open, self.tags, self.tables, self.words = [], [], {}, []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        self.tags.append((tag, attributes))
        if tag not in VOID:
            self.open.append(tag)
        if tag == "table":
            self.rows = self.tables[attributes["aria-label"]] = []
        elif tag == "tr":
            self.rows.append([])
        elif tag in ("td", "th"):
            self.rows[-1].append("")

    def handle_startendtag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if "style" not in self.open:
            self.words.append(data)
        if self.open and "tr" in self.open and self.rows[-1]:
            self.rows[-1][-1] += data

    @property
    def text(self):
        return " ".join("".join(self.words).split())


@pytest.fixture(scope="module")
def browser():
    browser = Browser()
    yield browser
    browser.close()


def report(site, *words, status=0):
    return Page(site.text("report", *words, status=status))


def busy(site):
    """Something of everything."""
    for state, path, count in (("waiting", SMS, 3), ("retrying", PRESENCE, 1), ("failed", SMS, 2),
                               ("failed", VOICEMAIL, 1), ("done", SMS, 1)):
        for _ in range(count):
            site.put(event(path, uuid=f"{PHONE}-{os.urandom(4).hex()}"), state, ago=400)
    site.put(b"no json", "bad")
    for ago in (3600, 7200, 90_000):
        site.age_mark(site.put(event()), ago)
    site.status(
        subscription(), subscription("faxes", "Blacklisted", ends=20 * 3600, error={
            "exit_status": 69, "code": None, "text": f"no answer for {PHONE}, or +1 650 555-0100"}),
        subscription("a" * 49), subscription("<script>alert(1)</script>", "<b>"))


# -- what it says

def test_all_is_well(site):
    site.status(subscription(ends=6 * 86400 + 3600))
    page = report(site)
    assert "All is well" in page.text and "No event failed" in page.text
    assert page.tables["Subscriptions"][1][:2] == ["inbound", "Active"]
    assert page.tables["Subscriptions"][1][2].startswith("in 6d, ")


def test_troubles_come_first_and_the_worst_of_them_first(site):
    busy(site)
    text = report(site).text
    assert "Something is wrong" in text
    order = [text.index(words) for words in (
        "CRITICAL: faxes is Blacklisted", "WARNING: oldest event waits 6m", "WARNING: 3 events failed",
        "WARNING: faxes ends in", "In the spool")]
    assert order == sorted(order)


def test_tables(site):
    busy(site)
    tables = report(site).tables
    assert ["waiting", "6"] in [row[:2] for row in tables["Events by state"]]
    assert ["done", "1"] in [row[:2] for row in tables["Events by state"]]
    assert [row[:3] for row in tables["Failures by reason"][1:]] == [
        ["exit-1", "extension/~/message-store/instant?type=SMS", "2"],
        ["exit-1", "extension/~/voicemail", "1"]]
    assert ["extension/~/presence", "1"] in [row[:2] for row in tables["Events by kind"]]
    assert len(tables["Arrivals by hour"]) == 1 + 72


def test_picture_of_arrivals_is_described(site):
    busy(site)
    page = report(site)
    [svg] = [attributes for tag, attributes in page.tags if tag == "svg"]
    ids = {attributes.get("id"): tag for tag, attributes in page.tags}
    assert svg["role"] == "img"
    assert [ids[name] for name in svg["aria-labelledby"].split()] == ["title", "desc"]
    assert re.search(r"11 events in the last 72 hours; [89] in the busiest hour", page.text)
    counted = [int(row[1]) for row in page.tables["Arrivals by hour"][1:]]
    assert sum(counted) == 11
    assert len([tag for tag, _ in page.tags if tag == "rect"]) == len([one for one in counted if one])


def test_nobody_is_named(site):
    busy(site)
    text = site.text("report")
    names = site.names("--all", "--state", "waiting,retrying,failed,done")
    for secret in (TEXT, PHONE[1:], "650", "555", "37439510", "400144455008", SUBSCRIPTION, *names):
        assert secret not in text


def test_no_script_and_nothing_from_elsewhere(site):
    busy(site)
    page = report(site)
    assert {"script", "img", "link", "iframe", "a", "form", "b"}.isdisjoint(tag for tag, _ in page.tags)
    for _, attributes in page.tags:
        assert not any(name.startswith("on") or name in ("src", "href", "style") for name in attributes)
    policy = [attributes["content"] for tag, attributes in page.tags
              if attributes.get("http-equiv") == "Content-Security-Policy"]
    assert policy == ["default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"]
    assert "url(" not in site.text("report") and "@import" not in site.text("report")


def test_title(site):
    assert os.uname().nodename in report(site).text
    assert "Us & them" in report(site, "--title", "Us & them").text


def test_quick_reads_no_event_but_the_failed(site):
    busy(site)
    tables = report(site, "--quick").tables
    assert "Events by kind" not in tables and "Failures by reason" in tables


# -- how it comes

def test_file_is_replaced_whole_and_readable_by_everybody(site):
    file = site.directory / "status.html"
    file.write_text("old")
    before = os.stat(file).st_ino
    site.look("report", "-o", file)
    assert file.read_text().endswith("</html>\n")
    assert stat.S_IMODE(os.stat(file).st_mode) == 0o644 and os.stat(file).st_ino != before
    assert [path.name for path in site.directory.glob("*.html*")] == ["status.html"]


def test_page_that_cannot_be_written(site):
    site.look("report", "-o", site.directory / "none" / "status.html", status=74)
    assert "No such file" in site.complaint
    with open("/dev/full", "wb") as full:
        assert subprocess.run([TOOL, "report"], env=site.env, stdout=full, stderr=full).returncode == 74


def test_spool_that_cannot_be_opened_is_on_the_page(site):
    site.fallback.rmdir()
    assert "WARNING: fallback spool cannot be used" in report(site, status=69).text
    site.spool.rename(site.directory / "away")
    assert "CRITICAL: spool cannot be used" in report(site, status=69).text


def test_status_file_that_makes_no_sense_is_on_the_page(site):
    site.write_status(b"{")
    assert "UNKNOWN" in report(site).text


# -- in a browser

@pytest.fixture
def page(site):
    busy(site)
    file = site.directory / "status.html"
    site.look("report", "-o", file)
    return file


# For each element with text of its own: its contrast to what is behind it.
CONTRASTS = """
(() => {
  const parse = text => text.match(/[0-9.]+/g).map(Number);
  const light = ([r, g, b]) => [r, g, b].map(v => (v /= 255) <= .03928 ? v / 12.92
    : ((v + .055) / 1.055) ** 2.4).reduce((sum, v, i) => sum + v * [.2126, .7152, .0722][i], 0);
  const ground = element => {
    for (; element; element = element.parentElement) {
      const colour = parse(getComputedStyle(element).backgroundColor);
      if (colour.length === 3 || colour[3] > 0) return colour;
    }
  };
  return [...document.body.querySelectorAll('*:not(title, desc)')].filter(element => [...element.childNodes].some(
      node => node.nodeType === 3 && node.data.trim())).map(element => {
    const style = getComputedStyle(element);
    const ink = light(parse(element.namespaceURI.endsWith('svg') ? style.fill : style.color));
    const back = light(ground(element));
    return (Math.max(ink, back) + .05) / (Math.min(ink, back) + .05);
  });
})()"""

# Elements that reach beyond the window, and texts too small to read.
BEYOND = "[...document.body.querySelectorAll('*')].filter(e => e.getBoundingClientRect().right" \
         " > innerWidth + .5).map(e => e.outerHTML.slice(0, 80))"
SMALL = "[...document.querySelectorAll('svg text')].map(e => e.getBoundingClientRect().height)"


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [320, 390, 1280])
def test_fits_every_window(browser, page, width, scheme):
    browser.open(page, width, scheme=scheme)
    assert browser.ask_page("innerWidth") == width
    assert browser.ask_page("document.documentElement.scrollWidth") <= width
    assert browser.ask_page(BEYOND) == []
    browser.ask_page("document.querySelector('details').open = true")
    assert browser.ask_page("document.documentElement.scrollWidth") <= width


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_legible_in_light_and_dark(browser, page, scheme):
    browser.open(page, 390, scheme=scheme)
    contrasts = browser.ask_page(CONTRASTS)
    assert len(contrasts) > 50 and min(contrasts) >= 4.5
    [red] = browser.ask_page("getComputedStyle(document.body).backgroundColor.match(/\\d+/)")
    assert (int(red) > 200) == (scheme == "light")
    assert min(browser.ask_page(SMALL)) >= 9


def test_asks_for_nothing_and_breaks_no_rule(browser, page):
    browser.open(page, 390)
    assert browser.requests() == [f"file://{page}"]
    assert browser.complaints() == []
    assert browser.ask_page("document.title").startswith("ringspool on ")
    assert browser.ask_page("document.querySelectorAll('rect').length") == 4


def test_scripts_in_it_would_not_run(browser, page):
    """The page's own policy, should ever anything slip through."""
    page.write_text(page.read_text().replace("</body>", "<script>document.title = 'run'</script></body>"))
    browser.open(page, 390)
    assert browser.ask_page("document.title") != "run"
    assert "Content Security Policy" in str(browser.complaints())
