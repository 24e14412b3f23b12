from typing import Literal

from intercom_hil.adapters.modem_lines import ModemOutput
from intercom_hil.instruments import OnPort, OutputOptions, SharedPorts
from intercom_hil.instruments.serial_line import SerialLine


class FingerOptions(OnPort, OutputOptions):
    kind: Literal["finger"]

    def make(self, ports: SharedPorts, *, name: str) -> ModemOutput:
        return ModemOutput(ports.at(self.port, SerialLine, SerialLine), "rts")
