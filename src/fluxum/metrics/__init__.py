"""Metrics of sessions, hubs, clients and recorders for Prometheus, and their health over HTTP.

    async with fluxum.metrics.serve(session, port=9464) as server:
        print(server.url)  # /metrics, /health and /ready

Needs the extra `metrics`. Everything is computed when it is requested, from the statistics that a
session keeps anyway: nothing is added to the path of a frame.
"""

from fluxum.metrics.collector import Collector
from fluxum.metrics.health import Health, Readiness, VenueCondition, health, readiness
from fluxum.metrics.names import METRICS, Metric
from fluxum.metrics.server import PORT, MetricsServer, serve
from fluxum.metrics.sources import Source, Sources

__all__ = [
    "METRICS",
    "PORT",
    "Collector",
    "Health",
    "Metric",
    "MetricsServer",
    "Readiness",
    "Source",
    "Sources",
    "VenueCondition",
    "health",
    "readiness",
    "serve",
]
