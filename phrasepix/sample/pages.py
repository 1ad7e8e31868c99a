"""The sample site's pages for people: one for each picture, one for each user, and the front page."""

from collections.abc import Iterable
from html import escape

from phrasepix.sample import links
from phrasepix.sample.catalogue import SamplePicture
from phrasepix.sample.renditions import rendition_size

_STYLE = """
:root { color-scheme: light dark; }
body { font: 1rem/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
img { max-width: 100%; height: auto; border-radius: .4rem; }
ul { list-style: none; padding: 0; display: flex; flex-wrap: wrap; gap: .5rem; }
.tags li { border: 1px solid; border-radius: 1rem; padding: 0 .7rem; opacity: .8; }
figure { margin: 0; }
footer { margin-top: 3rem; font-size: .9rem; opacity: .8; }
"""


def picture_page(picture: SamplePicture, rendition_path: str) -> str:
    """The page of one picture, with its tags and its credit, as HTML; `rendition_path` is its ordinary rendition."""
    width, height = rendition_size(picture.width, picture.height, "640")
    alt = escape(", ".join(picture.tags))
    user = _link(links.user_page_path(picture.user, picture.user_id), picture.user)
    tags = "".join(f"<li>{escape(tag)}</li>" for tag in picture.tags)
    return _page(
        f"{', '.join(picture.tags[:4]) or 'picture'} ({picture.id})",
        f'<figure><img src="{escape(rendition_path)}" width="{width}" height="{height}" alt="{alt}">'
        f"<figcaption>Drawn by {user}: {picture.width} × {picture.height} pixels, {escape(picture.type)}, "
        f'{escape(picture.category)}.</figcaption></figure><ul class="tags" aria-label="Tags">{tags}</ul>',
    )


def gallery_page(title: str, pictures: Iterable[SamplePicture]) -> str:
    """A page of previews that lead to the pictures' own pages, as HTML."""
    return _page(title, f"<ul>{''.join(_preview(picture) for picture in pictures)}</ul>")


def _preview(picture: SamplePicture) -> str:
    width, height = rendition_size(picture.width, picture.height, "150")
    return (
        f'<li><a href="{escape(links.picture_page_path(picture))}"><img src="{escape(links.preview_path(picture))}" '
        f'width="{width}" height="{height}" alt="{escape(", ".join(picture.tags))}" loading="lazy"></a></li>'
    )


def _link(path: str, text: str) -> str:
    return f'<a href="{escape(path)}">{escape(text)}</a>'


def _page(title: str, content: str) -> str:
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>'
        f'<meta name="viewport" content="width=device-width, initial-scale=1"><style>{_STYLE}</style></head>\n'
        f"<body><main><h1>{escape(title)}</h1>{content}</main>\n"
        f"<footer>{_link('/', 'The built-in sample of phrasepix')}: drawn pictures on a site of this computer, "
        "there only while it runs.</footer></body></html>\n"
    )
