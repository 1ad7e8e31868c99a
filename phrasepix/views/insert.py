"""A picture as it is put into a text: itself, if its address may be used, and the credit it owes."""

from html import escape
from urllib.parse import quote

from phrasepix.views.gallery.hotlinks import hotlinked
from phrasepix_core.candidate import Candidate
from phrasepix_core.credit import CREDIT_FORMATS, credit_line, markdown_escaped, plain_words

INSERT_FORMS = CREDIT_FORMATS
"""What `insert_text` can be asked for: text, markdown or html."""


def insert_text(candidate: Candidate, form: str = "markdown", address: str = "") -> str:
    """Return what puts a picture into a text: its credit and, in Markdown and HTML, the picture itself above it.

    The picture is shown from `address`, such as the relative path of the file it was saved as; without one, from its
    source's own address if the source wants that. Else there is the credit alone: a source that forbids others to
    show its pictures by its addresses wants them saved first.

    Raises `WrongValueError` for a form that is none.
    """
    credit = credit_line(candidate, form)
    shown = hotlinked(candidate)
    address = address or (shown.url if shown else "")
    if not address or form == "text":
        return credit
    title = plain_words(candidate.title) or plain_words(", ".join(candidate.tags)) or str(candidate)
    address = quote(address, safe=":/?#[]@!$&*+,;=%-._~", errors="replace")
    if form == "markdown":
        return f"![{markdown_escaped(title)}]({address})\n*{credit}*"
    return f'<figure><img src="{escape(address)}" alt="{escape(title)}"><figcaption>{credit}</figcaption></figure>'
