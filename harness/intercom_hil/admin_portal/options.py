"""The table ``[device.browser]`` of a bench file: an Admin Portal that is used in a real browser."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal

from pydantic import AfterValidator, Field

from intercom_hil.device.configurator import Configurator
from intercom_hil.device.configurator_kinds import ConfiguratorContext, ConfiguratorOptions
from intercom_hil.errors import BenchError
from intercom_hil.kinds import Wizard, no_ipv6
from intercom_hil.paths import FileBeside


class BrowserOptions(ConfiguratorOptions):
    """The Admin Portal, as a person uses it. An emulated device brings address and accounts."""

    label: ClassVar[str] = "its Admin Portal, in a real browser, by a portal map"
    kind: Literal["browser"] = "browser"
    url: Annotated[str, Field(pattern=r"^(https?://\S+)?$"), AfterValidator(no_ipv6)] = ""
    account: str = Field(default="", description="of an Account Administrator")
    password: str = ""
    viewer: str = Field(default="", description="an account that may only look (CFG-02)")
    viewer_password: str = ""
    map: FileBeside | None = Field(
        default=None, description="portal map; the one of the page's portal where none is named"
    )
    device: str = Field(default="", description="what the portal calls the device, if not as the map says")
    ca: FileBeside | None = Field(
        default=None, description="PEM file: the CA of an https:// portal, or its own certificate"
    )
    program: str = Field(default="", description="Chromium, where it is not found by its usual names")
    wrong_values: Annotated[
        int, Field(ge=1, le=1000, description="per field, that the form is to refuse")
    ] = 20

    @property
    def where(self) -> str:
        """Its address."""
        return self.url

    def make(self, context: ConfiguratorContext) -> Configurator:
        """Return what drives the browser. Raises BenchError: the map cannot be used."""
        from intercom_hil.admin_portal.configurator import BrowserConfigurator

        if not self.url:
            raise BenchError("it has no address", "device.browser.url", "give the portal's address")
        return BrowserConfigurator(self, append=context.append, learn=context.learn)

    @classmethod
    def ask(cls, wizard: Wizard) -> dict[str, Any]:
        """Ask for the portal and the account."""
        table = {
            "url": wizard.text("The Admin Portal's address", pattern=r"https?://\S+"),
            "account": wizard.text("An account that may change SIP settings", "admin", pattern=".+"),
            "password": wizard.text("Its password", secret=True),
        }
        portal_map = wizard.text("The portal map (empty: that of the page's portal)")
        return {**table, "map": portal_map} if portal_map else table
