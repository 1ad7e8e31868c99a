"""What a folder of one's own demands: nothing."""

from datetime import timedelta

from retriever.profile import Hotlinking, SourceProfile

_NO_BOUND = 1 << 40

FOLDER = SourceProfile(
    name="folder",
    title="a folder",
    home_url="",
    api_url="",
    mention="Pictures from a folder of one's own",
    credit="",
    credit_rule="what each picture's metadata says",
    page_size=_NO_BOUND,
    deepest=_NO_BOUND,
    usual_limit=None,  # whoever has thirty thousand pictures wants the best of them, not of the first two hundred
    rate_limit="none",
    answers_kept_for=timedelta(0),
    pictures_kept_for=timedelta(0),  # they are on this machine already
    why_not_remembered="a library has it by `phrasepix library add`",
    hotlinking=Hotlinking.FORBIDDEN,  # the address of a file here is of no use elsewhere
)
