"""What is made of the code in a page that is written by hand: it stands between two markers."""


def with_content(text: str, start: str, end: str, content: str) -> str:
    """Return a text with other content between its markers. Raises `ValueError` where it does not have them."""
    before, found_start, rest = text.partition(start)
    _, found_end, after = rest.partition(end)
    if not (found_start and found_end):
        raise ValueError(f"{start} and {end} do not both stand in it")
    return f"{before}{start}\n{content}\n{end}{after}"
