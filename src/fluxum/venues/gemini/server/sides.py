"""Gemini's simulated half, by the name of the venue's constant."""

from fluxum.venues.gemini.server.link import GeminiServer
from fluxum.venues.gemini.server.rest import GeminiRest
from fluxum.venues.gemini.server.v2 import GeminiV2Server
from fluxum.venues.server.contract import ServerSide, by_endpoint

__all__ = ["GEMINI", "GEMINI_V2"]

GEMINI = ServerSide(link=by_endpoint(GeminiServer), rest=GeminiRest)
GEMINI_V2 = ServerSide(link=by_endpoint(GeminiV2Server), rest=GeminiRest)
