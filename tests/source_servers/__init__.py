"""Every API source's server, for the contract."""

from tests.source_servers.base import SourceServer
from tests.source_servers.commons import CommonsServer
from tests.source_servers.openverse import OpenverseServer
from tests.source_servers.pexels import PexelsServer
from tests.source_servers.pixabay import PixabayServer
from tests.source_servers.unsplash import UnsplashServer

SERVERS: tuple[type[SourceServer], ...] = (
    PixabayServer,
    OpenverseServer,
    CommonsServer,
    PexelsServer,
    UnsplashServer,
)
