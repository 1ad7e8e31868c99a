"""The same picture once: near duplicates are told by what they look like, and fold into the best of them."""

from reranker.folding.compared import Compared
from reranker.folding.fingerprint import Fingerprint, fingerprint_of
from reranker.folding.likeness import Likeness
from reranker.folding.order import places_kept, siblings_of

__all__ = ["Compared", "Fingerprint", "Likeness", "fingerprint_of", "places_kept", "siblings_of"]
