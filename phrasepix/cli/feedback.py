"""`--prefer RANKS --avoid RANKS`: the same pictures in an order nearer to what is meant."""


def check_feedback(prefer: str | None, avoid: str | None, top: int) -> None:
    """Say what is wrong with the options before anything is searched for.

    Raises `WrongPickError`.
    """
    if prefer is None and avoid is None:
        return
    from phrasepix.errors import WrongPickError
    from phrasepix.saving.ranks import ranks_among

    liked, disliked = (() if ranks is None else ranks_among(ranks, top) for ranks in (prefer, avoid))
    if both := set(liked) & set(disliked):
        raise WrongPickError(f"picture {min(both)} is both preferred and to be avoided; decide for one")
