"""What is said of a video beside its still."""

from phrasepix_core.candidate import Candidate


def video_note(candidate: Candidate) -> str:
    """A video's length and that it is one, such as “0:23 video”; “video” where the length is not known.

    With the place of its still, where that is known: “0:05 of 0:23 video”.
    """
    length = "" if candidate.duration_s is None else f"{_clock(max(1, round(candidate.duration_s)))} "
    place = "" if candidate.frame_at is None else f"{_clock(int(candidate.frame_at))} of "
    return f"{place}{length or ('a ' if place else '')}video"


def _clock(whole_seconds: int) -> str:
    minutes, seconds = divmod(whole_seconds, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"
