"""What is said of a video beside its still."""

from phrasepix_core.candidate import Candidate


def video_note(candidate: Candidate) -> str:
    """A video's length and that it is one, such as “0:23 video”; “video” where the length is not known."""
    if candidate.duration_s is None:
        return "video"
    minutes, seconds = divmod(max(1, round(candidate.duration_s)), 60)
    hours, minutes = divmod(minutes, 60)
    length = f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"
    return f"{length} video"
