"""Near-duplicate detection by what pictures look like; the best of each group represents it."""

from reranker.dedup.compared import Compared
from reranker.dedup.detector import DuplicateDetector
from reranker.dedup.fingerprint import Fingerprint, fingerprint_of
from reranker.dedup.representatives import duplicates_of, representatives

__all__ = ["Compared", "DuplicateDetector", "Fingerprint", "duplicates_of", "fingerprint_of", "representatives"]
