"""The finder over HTTP: the page's files, the API under `/api/v1`, and the inference endpoints under `/v1`."""
