"""The person at a web page that the bench serves while it runs: on a phone in front of the device, say.

The page's address contains a random token. It shows the question that stands, its files and how the last ones
ended, and takes answers; without the token there is nothing to see.
"""

from __future__ import annotations

from intercom_hil.errors import BenchError
from intercom_hil.operator.page import LARGEST_ANSWER, Page, url
from intercom_hil.operator.prompter import Asked
from intercom_hil.operator.question import Answer, Question
from intercom_hil.timeline.operator_content import OperatorAnswered

__all__ = ["ENDED", "LARGEST_ANSWER", "NAME", "WebPage"]

NAME = "web page"
"""What the record calls this way."""
ENDED = {"number", "way", "by", "choice", "expected"}
"""What a page shows of how a question ended."""


class WebPage:
    """Way over a web page of the bench's own. Must be made and used inside a running event loop.

    Attributes:
        name: what the record calls it.
        url: the page's address, with the token that opens it.
    """

    name = NAME

    def __init__(self, address: str, port: int, *, bench: str = "") -> None:
        """Describe the page.

        Args:
            address: the IP address to listen on, and on no other.
            port: the TCP port.
            bench: what the page calls the bench.
        """
        self._address = (address, port)
        self._page = Page([address], bench=bench)
        self._server = self._page.listener()
        self.url = url(address, port, self._page.token)

    async def open(self) -> None:
        """Listen. Raises BenchError when the address or port cannot be had."""
        if self._server.is_open:
            return
        address, port = self._address
        try:
            await self._server.open(address, port)
        except OSError as problem:
            raise BenchError(
                f"the operator's page cannot listen on {address} port {port} ({problem.strerror})",
                "device.operator.web",
                "name an address of this computer and a free port",
            ) from problem

    async def close(self) -> None:
        """Listen no more; nothing happens when closed."""
        await self._server.close()

    def can(self, question: Question) -> bool:
        """Return whether the page is there."""
        return self._server.is_open

    async def ask(self, asked: Asked) -> tuple[Answer, str]:
        """Show the question until somebody answers it."""
        return await self._page.desk.ask(asked)

    def ended(self, asked: Asked, outcome: OperatorAnswered) -> None:
        """Show how a question ended, and now what was expected."""
        self._page.desk.end(asked.question.title, outcome.model_dump(include=ENDED))
