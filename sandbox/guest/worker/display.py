"""Values as MIME bundles: {"text/plain": repr, "text/html": …, "image/png": base64 …}.

Every object has `text/plain`; the others come from the methods that Jupyter calls, looked up on the
type so that a class, or an object that answers to every name, is not mistaken for something rich.
"""

import binascii
import collections
from _thread import get_ident

from _caisson import wire

RICH = {
    "_repr_html_": "text/html",
    "_repr_markdown_": "text/markdown",
    "_repr_latex_": "text/latex",
    "_repr_svg_": "image/svg+xml",
    "_repr_png_": "image/png",
    "_repr_jpeg_": "image/jpeg",
    "_repr_pdf_": "application/pdf",
    "_repr_json_": "application/json",
    "_repr_javascript_": "application/javascript",
}
# Of these types nothing but repr() is asked.
_PLAIN = frozenset([int, float, complex, bool, str, bytes, list, tuple, dict, set, frozenset])


class TooLarge(Exception):
    def __init__(self, limit):
        super().__init__(
            "the value's text is longer than %d bytes. It is kept as `_`: print a part of "
            "it, for example print(repr(_)[:1000])" % limit
        )


def bundle(value, limit):
    """The representations of a value. Raises TooLarge when its repr has more than `limit` bytes;
    other representations above it are left out. KeyboardInterrupt passes; any other failure of user
    code is told in the text."""
    kind = type(value)
    result = {"text/plain": _text(value, limit)}
    if kind in _PLAIN:
        return result
    for mime, data in _rich(value, kind).items():
        if mime != "text/plain":
            data = _clean(mime, data)
            if data is not None and _size(data) <= limit:
                result[mime] = data
    return result


def _text(value, limit):
    if least_length(value, limit) > limit:
        raise TooLarge(limit)
    try:
        text = repr(value)
    except KeyboardInterrupt:
        raise
    except BaseException as failure:
        return "<repr of %s failed: %s>" % (type(value).__name__, _reason(failure))
    if len(text) > limit or (not text.isascii() and len(wire.escape(text)) > limit):
        raise TooLarge(limit)
    return text


def _reason(failure):
    try:
        return "%s: %s" % (type(failure).__name__, str(failure)[:200])
    except Exception:
        return type(failure).__name__


def _rich(value, kind):
    found = {}
    method = getattr(kind, "_repr_mimebundle_", None)
    if method is not None:
        data = _call(method, value, include=None, exclude=None)
        if isinstance(data, dict):
            found.update((mime, part) for mime, part in data.items() if isinstance(mime, str))
    for name, mime in RICH.items():
        if mime not in found:
            method = getattr(kind, name, None)
            if method is not None:
                found[mime] = _call(method, value)
    return found


def _call(method, value, **options):
    """What a `_repr_*_` method says, without its metadata; None when it fails: the text remains."""
    try:
        data = method(value, **options)
    except KeyboardInterrupt:
        raise
    except BaseException:
        return None
    if isinstance(data, tuple) and len(data) == 2:
        return data[0]
    return data


def _clean(mime, data):
    """As JSON carries it, or None."""
    if isinstance(data, (bytes, bytearray)):
        return binascii.b2a_base64(data, newline=False).decode("ascii")
    if isinstance(data, str):
        return str(data)
    if data is not None and mime.endswith("json"):
        try:
            return wire.decode(wire.encode(data))  # a copy that nobody changes under our hands
        except (TypeError, ValueError):
            return None
    return None


def _size(data):
    return len(wire.escape(data)) if isinstance(data, str) else len(wire.encode(data))


_SEQUENCES = {
    list.__repr__,
    tuple.__repr__,
    set.__repr__,
    frozenset.__repr__,
    collections.deque.__repr__,
    type({}.keys()).__repr__,
    type({}.values()).__repr__,
}
_MAPPINGS = {
    dict.__repr__,
    collections.OrderedDict.__repr__,
    collections.defaultdict.__repr__,
    collections.Counter.__repr__,
}


def least_length(value, limit, known=None):
    """A length that repr(value) has at least, without building it: repr of a list of 10**8 numbers
    would take gigabytes. 0 when nothing is known of the type; counting ends soon after `limit`."""
    kind = type(value)
    if kind is int:
        return value.bit_length() >> 2
    if kind is str or kind is bytes or kind is bytearray:
        return len(value) + 2
    try:
        printer = kind.__repr__
        is_mapping = printer in _MAPPINGS
        if not is_mapping and printer not in _SEQUENCES:
            return 0
        if known is None:
            known = {}
        if id(value) in known:
            return known[id(value)]
        known[id(value)] = 5  # of "[...]", should it contain itself
        length = len(value) * (6 if is_mapping else 3)
        for items in (value, value.values()) if is_mapping else (value,):
            for item in items:
                if length > limit:
                    break
                length += least_length(item, limit, known)
        known[id(value)] = length
        return length
    except (TypeError, RecursionError, RuntimeError):
        return 0  # an unhashable __repr__, too deep, changed by another thread


class Display:
    """What user code calls as `display(...)`."""

    def __init__(self, channel, streams, limit):
        self._channel = channel
        self._streams = streams
        self._limit = limit
        self._main_thread = get_ident()

    def __call__(self, *objects, raw=False):
        """Shows objects at once, as a notebook would. With raw=True they are MIME bundles."""
        for value in objects:
            try:
                shown = self._raw(value) if raw else bundle(value, self._limit)
            except TooLarge:
                shown = {
                    "text/plain": "<a %s whose text is longer than %d bytes was not displayed>"
                    % (type(value).__name__, self._limit)
                }
            self.send(shown)

    def _raw(self, value):
        if not isinstance(value, dict):
            raise TypeError(
                "display(raw=True) takes dictionaries from MIME type to data, not %s"
                % type(value).__name__
            )
        cleaned = {str(mime): _clean(str(mime), data) for mime, data in value.items()}
        return {mime: data for mime, data in cleaned.items() if data is not None}

    def send(self, shown):
        """A bundle on its way to the host; dropped when the block of this thread has ended."""
        body = wire.encode(shown)
        if len(body) > self._limit or len(body) > wire.MAX_MESSAGE - 64:
            body = wire.encode(
                {
                    "text/plain": "<%s of %d bytes was left out: a display may have %d>"
                    % (", ".join(shown), len(body), self._limit)
                }
            )
        if get_ident() != self._main_thread and self._streams.foreign():
            return
        self._channel.send_in_block(wire.DISPLAY, self._channel.block, body)
