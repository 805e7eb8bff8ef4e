"""HTTP requests, and their errors as two lines: what went wrong, and what to do about it."""

from __future__ import annotations

import os
import socket
import ssl
from urllib.parse import urlsplit

import requests
from requests import exceptions

from rnnviz.errors import RnnvizError
from rnnviz.messages import _

#: Environment variables of proxies and certificates; the first one that is set applies.
_PROXIES = {
    "https": ("https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"),
    "http": ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"),
}
_CERTIFICATES = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")


class WebPage(requests.RequestException):
    """The response is an HTML page instead of a file."""


class UnusableEnvironment(requests.RequestException):
    """The environment names a proxy or certificates that cannot be used."""


def get(url: str, headers: dict[str, str], timeout: float) -> requests.Response:
    """Send a GET request; the body is not read yet. Raises RequestException for any failure."""
    try:
        return requests.get(url, headers=headers, stream=True, timeout=timeout)
    except requests.RequestException:
        raise
    except Exception as error:
        # urllib3's own exceptions for an invalid proxy address or certificate file.
        raise UnusableEnvironment(error) from error


def check(response: requests.Response) -> None:
    """Raise HTTPError for an error status and WebPage for an HTML page."""
    response.raise_for_status()
    if str(response.headers.get("Content-Type", "")).lower().startswith("text/html"):
        raise WebPage(response=response)


def download_error(
    error: requests.RequestException, url: str, path: str, received: int
) -> RnnvizError:
    """The error as two lines; ``received`` is the number of bytes of ``path`` so far."""
    problem, remedy = _explain(error, url, path)
    if received:
        remedy += _(" {received:,} bytes are kept; the same command resumes the download.").format(
            received=received
        )
    return RnnvizError(f"{problem}\n{remedy}")


def _explain(error: requests.RequestException, url: str, path: str) -> tuple[str, str]:
    host = urlsplit(url).hostname or url
    by_hand = _("Try later, or put the file there yourself: {path}.").format(path=path)
    response = error.response
    if found := _proxy_problem(error, url) or _certificate_problem(error, host):
        return found
    if isinstance(error, WebPage) or (response is not None and response.status_code == 511):
        assert response is not None
        return (
            _("{address} sent a web page and not the file.").format(
                address=_redirected(response, url)
            ),
            _("The network may require you to sign in: do it in a browser, then try again."),
        )
    if isinstance(error, requests.HTTPError) and response is not None:
        status = f"{response.status_code} {_first_line(response.reason)}"
        return _("{address} answered {status}.").format(
            address=_redirected(response, url), status=status
        ), by_hand
    if isinstance(error, requests.TooManyRedirects):
        return _("{url} redirects too many times.").format(url=url), by_hand
    if isinstance(error, requests.Timeout):
        return _("{host} did not answer in time.").format(host=host), by_hand
    if _has_cause(error, socket.gaierror):
        return (
            _("The name {host} is not found.").format(host=host),
            _("Check the network connection, then give the same command again."),
        )
    name = path.rpartition("/")[2]
    return _("The download of {name} was interrupted ({reason}).").format(
        name=name, reason=_reason(error)
    ), _("Try again.")


def _redirected(response: requests.Response, url: str) -> str:
    """The address that answered, with the one that redirected to it."""
    return (
        _("{url} led to {target}, which").format(url=url, target=response.url)
        if response.history
        else url
    )


def _proxy_problem(error: requests.RequestException, url: str) -> tuple[str, str] | None:
    """Problem and remedy if the proxy is the cause."""
    scheme = urlsplit(url).scheme
    variable = _first_set(_PROXIES.get(scheme, ()))
    if variable is None or (
        _has_cause(error, ssl.SSLError) and not isinstance(error, exceptions.ProxyError)
    ):
        return None
    address = _without_password(os.environ[variable])
    refused = error.response is not None and error.response.status_code == 407
    if refused or (isinstance(error, exceptions.ProxyError) and " 407 " in str(error)):
        return (
            _("The proxy {address} requires a name and a password.").format(address=address),
            _("Set them: export {variable}=http://NAME:PASSWORD@HOST:PORT.").format(
                variable=variable
            ),
        )
    remedy = _("Write it as http://HOST:PORT, or go without it: unset {variable}.").format(
        variable=variable
    )
    # The requested addresses are valid, so an invalid address is the proxy's.
    invalid = isinstance(
        error, UnusableEnvironment | exceptions.InvalidURL | exceptions.InvalidSchema
    )
    if invalid and not _names_certificates(error):
        return _("{variable} is not the address of a usable proxy: {address!r}.").format(
            variable=variable, address=address
        ), remedy
    if isinstance(error, exceptions.ProxyError):
        return _("The proxy {address} ({variable}) fails: {reason}.").format(
            address=address, variable=variable, reason=_reason(error)
        ), remedy
    return None


def _certificate_problem(error: requests.RequestException, host: str) -> tuple[str, str] | None:
    """Problem and remedy if the verification of a certificate is the cause."""
    variable = _first_set(_CERTIFICATES)
    if variable is not None and (
        _names_certificates(error) or isinstance(error, UnusableEnvironment)
    ):
        return (
            _("{variable} is not a file of certificates: {value}.").format(
                variable=variable, value=os.environ[variable]
            ),
            _("Correct it, or go without it: unset {variable}.").format(variable=variable),
        )
    if not isinstance(error, exceptions.SSLError):
        return None
    current = ""
    if variable is not None:
        current = _("{variable} is {value}. ").format(variable=variable, value=os.environ[variable])
    return (
        _("The certificate of {host} cannot be trusted: {reason}.").format(
            host=host, reason=_reason(error)
        ),
        _(
            "{current}If the network inspects encrypted traffic, name its certificates: "
            "export REQUESTS_CA_BUNDLE=FILE.pem."
        ).format(current=current),
    )


def _names_certificates(error: BaseException) -> bool:
    """Whether requests complains about a certificate file that is missing or empty."""
    signs = ("certificate bundle", "NO_CERTIFICATE_OR_CRL", "no certificate or crl", "PEM lib")
    return any(sign in str(error) for sign in signs)


def _first_set(variables: tuple[str, ...]) -> str | None:
    return next((name for name in variables if os.environ.get(name)), None)


def _without_password(address: str) -> str:
    before, at, after = address.rpartition("@")
    scheme, mark, _ = before.partition("://")
    hidden = f"{scheme}{mark}…@{after}" if at and mark else f"…@{after}" if at else address
    return _first_line(hidden)


def _has_cause(error: BaseException, kind: type[BaseException]) -> bool:
    """Whether an exception of a type is among the exceptions that ``error`` wraps."""
    visited: list[BaseException] = []
    pending: list[object] = [error]
    while pending:
        inner = pending.pop()
        if not isinstance(inner, BaseException) or any(inner is other for other in visited):
            continue
        if isinstance(inner, kind):
            return True
        visited.append(inner)
        pending += [*inner.args, inner.__cause__, inner.__context__, getattr(inner, "reason", None)]
    return False


def _reason(error: BaseException) -> str:
    """The message of the innermost exception; requests and urllib3 wrap it several times."""
    inner: BaseException = error
    for _depth in range(20):
        args = inner.args if isinstance(inner.args, tuple) else ()
        found = [a for a in (getattr(inner, "reason", None), *args) if isinstance(a, BaseException)]
        if not found:
            break
        inner = found[0]
    message = str(getattr(inner, "reason", None) or inner)
    message = message.rpartition(">: ")[2] or message  # urllib3 begins with the object's repr
    return _first_line(message).rstrip(".")


def _first_line(text: str) -> str:
    return text.partition("\n")[0][:120]
