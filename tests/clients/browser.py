"""A browser without scripts: follows redirects and fills in the server's sign-in pages as a person
does, by what a page says of its fields and not by their names."""

import html.parser
from urllib.parse import urljoin, urlsplit

import requests

STEPS = 12


class Form(html.parser.HTMLParser):
    """The first form of a page."""

    def __init__(self, page):
        super().__init__()
        self.action = None
        self.fields = {}
        self.buttons = []
        self.autocomplete = {}
        self.done = False
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        attrs = dict(attrs)
        if tag == "form" and self.action is None:
            self.action = attrs.get("action", "")
        if self.action is None or self.done:
            return
        kind = attrs.get("type", "submit" if tag == "button" else "text")
        if tag in ("input", "button") and kind == "submit":
            self.buttons.append((attrs.get("name"), attrs.get("value", "")))
        elif tag == "input" and attrs.get("name"):
            self.fields[attrs["name"]] = attrs.get("value") or ""
            self.autocomplete[attrs.get("autocomplete", "")] = attrs["name"]

    def handle_endtag(self, tag):
        self.done = self.done or (tag == "form" and self.action is not None)


class Browser:
    """One person at one browser."""

    def __init__(self, user_name, password):
        self.session = requests.Session()
        self.known = {"username": user_name, "current-password": password}

    def visit(self, url, until=None, **known):
        """Opens a page and goes on as a person who agrees, up to an address that begins with
        `until`, which is given back, or to a page without a form, whose text is."""
        known = {**self.known, **known}
        answer = self.session.get(url, allow_redirects=False, timeout=30)
        for _ in range(STEPS):
            if answer.is_redirect:
                target = urljoin(answer.url, answer.headers["Location"])
                if until and target.startswith(until):
                    return target
                answer = self.session.get(target, allow_redirects=False, timeout=30)
                continue
            assert answer.status_code == 200, f"{answer.status_code}: {answer.text}"
            form = Form(answer.text)
            if form.action is None:
                assert until is None, answer.text
                return answer.text
            for meaning, value in known.items():
                if meaning in form.autocomplete:
                    form.fields[form.autocomplete[meaning]] = value
            # The first button is the one that goes on.
            name, value = form.buttons[0]
            if name:
                form.fields[name] = value
            target = urljoin(answer.url, form.action)
            origin = "{0.scheme}://{0.netloc}".format(urlsplit(answer.url))
            answer = self.session.post(
                target, data=form.fields, headers={"Origin": origin}, allow_redirects=False,
                timeout=30,
            )
        raise AssertionError(f"no end after {STEPS} pages: {answer.text}")
