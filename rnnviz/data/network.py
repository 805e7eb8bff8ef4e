"""What can go wrong on the way to a server: a line that says what it is, one with the remedy."""

from __future__ import annotations

import os
import socket
import ssl
from urllib.parse import urlsplit

import requests
from requests import exceptions

from rnnviz.errors import RnnvizError

#: What names a proxy or a file of certificates, the first one that is set counts.
_PROXIES = {
    "https": ("https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"),
    "http": ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"),
}
_CERTIFICATES = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")


class WebPage(requests.RequestException):
    """A page for people came instead of a file."""


class Unusable(requests.RequestException):
    """The environment names a proxy or certificates that nothing can be asked with."""


def get(url: str, headers: dict[str, str], timeout: float) -> requests.Response:
    """The beginning of an answer. RequestException for everything that went wrong."""
    try:
        return requests.get(url, headers=headers, stream=True, timeout=timeout)
    except requests.RequestException:
        raise
    except Exception as error:
        # An address of a proxy that is none, a file of certificates that is none: those of urllib3.
        raise Unusable(error) from error


def check(reply: requests.Response) -> None:
    """HTTPError for a refusal, WebPage for a page."""
    reply.raise_for_status()
    if str(reply.headers.get("Content-Type", "")).lower().startswith("text/html"):
        raise WebPage(response=reply)


def told(error: requests.RequestException, url: str, path: str, kept: int) -> RnnvizError:
    """The error as two lines; ``kept`` are the bytes of ``path`` that came so far."""
    what, then = _said(error, url, path)
    if kept:
        then += f" {kept:,} bytes are kept; the same command goes on from there."
    return RnnvizError(f"{what}\n{then}")


def _said(error: requests.RequestException, url: str, path: str) -> tuple[str, str]:
    host = urlsplit(url).hostname or url
    by_hand = f"Try later, or put the file there yourself: {path}."
    reply = error.response
    proxied = _proxied(error, url)
    if proxied:
        return proxied
    if certificates := _certificates(error, host):
        return certificates
    if isinstance(error, WebPage) or (reply is not None and reply.status_code == 511):
        assert reply is not None
        return (
            f"{_led(reply, url)} sent a web page and not the file.",
            "A network that asks to sign in answers so: do it in a browser, then try again.",
        )
    if isinstance(error, requests.HTTPError) and reply is not None:
        return f"{_led(reply, url)} answered {reply.status_code} {_line(reply.reason)}.", by_hand
    if isinstance(error, requests.TooManyRedirects):
        return f"{url} leads from one address to the next and never to the file.", by_hand
    if isinstance(error, requests.Timeout):
        return f"{host} did not answer in time.", by_hand
    if _cause(error, socket.gaierror):
        return f"The name {host} is not found.", "Is there a network? Then the same command again."
    name = path.rpartition("/")[2]
    return f"The download of {name} broke off ({_reason(error)}).", "Try again."


def _led(reply: requests.Response, url: str) -> str:
    """The address that answered, and which one led there."""
    return f"{url} led to {reply.url}, which" if reply.history else url


def _proxied(error: requests.RequestException, url: str) -> tuple[str, str] | None:
    """What a proxy is to blame for."""
    scheme = urlsplit(url).scheme
    variable = _first(_PROXIES.get(scheme, ()))
    if variable is None or (
        _cause(error, ssl.SSLError) and not isinstance(error, exceptions.ProxyError)
    ):
        return None
    address = _without_password(os.environ[variable])
    refused = error.response is not None and error.response.status_code == 407
    if refused or (isinstance(error, exceptions.ProxyError) and " 407 " in str(error)):
        return (
            f"The proxy {address} asks for a name and a password.",
            f"Set them: export {variable}=http://NAME:PASSWORD@HOST:PORT.",
        )
    remedy = f"Write it as http://HOST:PORT, or go without it: unset {variable}."
    # The addresses asked for are ours and right: what is wrong with one is wrong with the proxy's.
    wrong = isinstance(error, Unusable | exceptions.InvalidURL | exceptions.InvalidSchema)
    if wrong and _certificate_file(error) is None:
        return f"{variable} names no proxy that can be used: {address!r}.", remedy
    if isinstance(error, exceptions.ProxyError):
        return f"The proxy {address} ({variable}) fails: {_reason(error)}.", remedy
    return None


def _certificates(error: requests.RequestException, host: str) -> tuple[str, str] | None:
    """What the check of a certificate is to blame for."""
    variable = _first(_CERTIFICATES)
    if variable is not None and (_certificate_file(error) or isinstance(error, Unusable)):
        return (
            f"{variable} names no file of certificates: {os.environ[variable]}.",
            f"Correct it, or go without it: unset {variable}.",
        )
    if not isinstance(error, exceptions.SSLError):
        return None
    own = f"{variable} is {os.environ[variable]}. " if variable is not None else ""
    return (
        f"The certificate of {host} cannot be trusted: {_reason(error)}.",
        f"{own}Where a network opens what is encrypted, name its certificates: "
        "export REQUESTS_CA_BUNDLE=FILE.pem.",
    )


def _certificate_file(error: BaseException) -> str | None:
    """What requests says where there is no such file, or nothing in it."""
    said = str(error)
    signs = ("certificate bundle", "NO_CERTIFICATE_OR_CRL", "no certificate or crl", "PEM lib")
    return said if any(sign in said for sign in signs) else None


def _first(variables: tuple[str, ...]) -> str | None:
    return next((name for name in variables if os.environ.get(name)), None)


def _without_password(address: str) -> str:
    before, at, after = address.rpartition("@")
    scheme, mark, _ = before.partition("://")
    hidden = f"{scheme}{mark}…@{after}" if at and mark else f"…@{after}" if at else address
    return _line(hidden)


def _cause(error: BaseException, kind: type[BaseException]) -> bool:
    """Whether the libraries have wrapped such an error."""
    seen: list[BaseException] = []
    waiting: list[object] = [error]
    while waiting:
        inner = waiting.pop()
        if not isinstance(inner, BaseException) or any(inner is other for other in seen):
            continue
        if isinstance(inner, kind):
            return True
        seen.append(inner)
        waiting += [*inner.args, inner.__cause__, inner.__context__, getattr(inner, "reason", None)]
    return False


def _reason(error: BaseException) -> str:
    """The innermost cause: the libraries wrap it several times."""
    inner: BaseException = error
    for _ in range(20):
        args = inner.args if isinstance(inner.args, tuple) else ()
        found = [a for a in (getattr(inner, "reason", None), *args) if isinstance(a, BaseException)]
        if not found:
            break
        inner = found[0]
    said = str(getattr(inner, "reason", None) or inner)
    said = said.rpartition(">: ")[2] or said  # urllib3 begins with the object's address in memory
    return _line(said).rstrip(".")


def _line(text: str) -> str:
    return text.partition("\n")[0][:120]
