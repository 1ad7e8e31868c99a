"""A phrase against saved embeddings, as a user of sentence-transformers would write it: MODEL EMBEDDINGS PHRASE."""

import sys

import numpy as np
from sentence_transformers import SentenceTransformer, util

model = SentenceTransformer(sys.argv[1], device="cpu")
embeddings = np.load(sys.argv[2])
query = model.encode(sys.argv[3], show_progress_bar=False)
for hit in util.semantic_search(query, embeddings, top_k=10)[0]:
    print(f"{hit['score']:.3f}\t{hit['corpus_id']}")
