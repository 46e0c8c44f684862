"""The pop-up of a sign-in, as a browser without scripts: it follows redirects, keeps cookies and fills in forms."""

import html
import re
from dataclasses import dataclass, field
from urllib.parse import urljoin

import httpx

MOST_STEPS = 20


@dataclass
class Popup:
    """One browser. `seen` are the addresses it has been to."""

    http: httpx.Client = field(default_factory=lambda: httpx.Client(timeout=30))
    seen: list[str] = field(default_factory=list)

    def open(self, url: str, login: str = "", stop_at: str = "") -> httpx.Response:
        """Where it ends up: signed in as `login` at the certified provider, and sent back; or at `stop_at`, not yet
        opened."""
        response = self._get(url)
        for _ in range(MOST_STEPS):
            if response.is_redirect:
                target = urljoin(str(response.url), response.headers["Location"])
                if stop_at and target.startswith(stop_at):
                    self.seen.append(target)
                    return response
                response = self._get(target)
            elif "/interaction/" in str(response.url) and login:
                response = self._submit(response, login)
            else:
                return response
        raise AssertionError(f"No end of it: {self.seen}")

    def _get(self, url: str) -> httpx.Response:
        self.seen.append(url)
        return self.http.get(url)

    def _submit(self, page: httpx.Response, login: str) -> httpx.Response:
        asked = re.search(r'name="prompt" value="(\w+)"', page.text)
        action = re.search(r'action="([^"]+)"', page.text)
        assert asked, page.text
        assert action, page.text
        fields = {"prompt": asked[1], **({"login": login, "password": "x"} if asked[1] == "login" else {})}
        return self.http.post(urljoin(str(page.url), html.unescape(action[1])), data=fields)


def handed_over(page: httpx.Response) -> dict[str, str]:
    """What the last page would give to the window that opened it: code, origin and page."""
    return {name: html.unescape(value) for name, value in re.findall(r'data-(\w+)="([^"]*)"', page.text)}
