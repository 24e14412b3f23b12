"""The device's microphone and speaker: a tone file played into calls, and a recorder of all that is heard."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pjsua2 as pj


class Sound:
    """Both ends of the device's sound, connected to calls by the agent."""

    def __init__(self, microphone: Path, speaker: Path, announcement: Path) -> None:
        self._gain = 1.0
        self._announcement_file = announcement
        self._announcement: Any = None
        self._beside: list[Any] = []
        self._microphone = pj.AudioMediaPlayer()
        self._microphone.createPlayer(str(microphone), 0)
        # Held open for both: with the device gone, opening the pipe for writing alone would wait for ever.
        self._pipe = os.open(speaker, os.O_RDWR | os.O_NONBLOCK)
        self._speaker = pj.AudioMediaRecorder()
        self._speaker.createRecorder(str(speaker))

    def set_volumes(self, microphone: float, speaker: float) -> None:
        """Set both linear gains; 1 leaves the level as it is (CFG-15, CFG-16)."""
        self._microphone.adjustTxLevel(microphone)
        self._gain = speaker

    def connect(self, audio: Any, microphone: bool, speaker: bool, gain: float = 1.0) -> None:
        """Let a call be heard at the speaker, and the microphone in the call, with a gain of its own."""
        audio.adjustTxLevel(self._gain)
        if speaker:
            audio.startTransmit(self._speaker)
        if microphone:
            level = pj.AudioMediaTransmitParam()
            level.level = gain
            self._microphone.startTransmit2(audio, level)

    def announce(self) -> None:
        """Play the announcement once from its beginning."""
        self.hush()
        self._announcement = pj.AudioMediaPlayer()
        self._announcement.createPlayer(str(self._announcement_file), pj.PJMEDIA_FILE_NO_LOOP)
        self._announcement.adjustTxLevel(self._gain)
        self._announcement.startTransmit(self._speaker)

    def play(self, file: Path) -> None:
        """Play a short file once, beside whatever else is heard; it may be deleted at once."""
        player = pj.AudioMediaPlayer()
        player.createPlayer(str(file), pj.PJMEDIA_FILE_NO_LOOP)
        player.adjustTxLevel(self._gain)
        player.startTransmit(self._speaker)
        self._beside = [*self._beside[-2:], player]  # the last ones may not have come to their end

    def hush(self) -> None:
        """Stop the announcement, if it plays."""
        if self._announcement is not None:
            self._announcement.stopTransmit(self._speaker)
            self._announcement = None
