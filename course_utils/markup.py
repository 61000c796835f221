"""Text as HTML. What is put into a template of MarkupSafe, ``Markup``, is escaped there, unless it is Markup itself."""

import re

from markupsafe import Markup, escape


def marked(text: str) -> Markup:
    """Return a text as HTML, its code between backticks and its emphasis between asterisks."""
    text = re.sub(r"`([^`]+)`", r"<code>\1</code>", str(escape(text)))
    text = re.sub(r"(?<![\w*])\*(?=[^\s*])(.+?)(?<=[^\s*])\*(?![\w*])", r"<i>\1</i>", text)
    return Markup(text)  # noqa: S704 - escaped above
