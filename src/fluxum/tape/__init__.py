"""Tapes: raw frames with the time they were received, kept as they were on the wire."""

from fluxum.tape.answers import RecordedAnswers
from fluxum.tape.lines import TapeFrame, TapeHeader
from fluxum.tape.reader import TapeReader
from fluxum.tape.recording import TapeRecorder, gaps, recording, recording_calls
from fluxum.tape.rotated import header_of, joined
from fluxum.tape.runtime import ReplayCounts, ReplayedRuntime
from fluxum.tape.waiting import Hole, TapeCounts
from fluxum.tape.writer import TapeWriter

__all__ = [
    "Hole",
    "RecordedAnswers",
    "ReplayCounts",
    "ReplayedRuntime",
    "TapeCounts",
    "TapeFrame",
    "TapeHeader",
    "TapeReader",
    "TapeRecorder",
    "TapeWriter",
    "gaps",
    "header_of",
    "joined",
    "recording",
    "recording_calls",
]
