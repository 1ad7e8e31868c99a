"""How a store of the S3 kind is reached: where it is, and who asks."""

from dataclasses import dataclass, field
from typing import Self

from phrasepix_core import environment

S3 = "s3://"


@dataclass(frozen=True, slots=True)
class S3Access:
    """The endpoint and the region of a store, and the credentials; empty for what is found out as AWS's own tools do.

    No credentials stand in its `repr`.
    """

    endpoint: str = ""
    """The URL of a store that is not AWS's own."""
    region: str = ""
    key_id: str = field(default="", repr=False)
    secret: str = field(default="", repr=False)
    token: str = field(default="", repr=False)

    @classmethod
    def from_environment(cls) -> Self:
        """Read the variables that AWS's own tools read (AWS SDKs and Tools Reference Guide, environment variables)."""
        said = environment.variable
        return cls(
            endpoint=said("AWS_ENDPOINT_URL_S3") or said("AWS_ENDPOINT_URL"),
            region=said("AWS_REGION") or said("AWS_DEFAULT_REGION"),
            key_id=said("AWS_ACCESS_KEY_ID"),
            secret=said("AWS_SECRET_ACCESS_KEY"),
            token=said("AWS_SESSION_TOKEN"),
        )
