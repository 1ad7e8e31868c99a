"""Matches as HTML: a page of its own, or cards inside a notebook. Everything from outside is escaped."""

from phrasepix.views.gallery.render import gallery_cards, gallery_page

__all__ = ["gallery_cards", "gallery_page"]
