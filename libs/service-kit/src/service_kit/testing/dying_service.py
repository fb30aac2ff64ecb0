"""A service in a process of its own that kills itself at a named crash point, for its next life to finish the work."""

import asyncio
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

import httpx
from pydantic import BaseModel, ConfigDict

from service_kit.crash_points import arm_from
from service_kit.service import Service
from service_kit.testing.callers import http_client, sign_in
from service_kit.testing.platforms import PlatformFactory

_DEAD_WITHIN_SECONDS = 60.0


class Request(BaseModel):
    """A `POST` by an owner of `acc_1`."""

    model_config = ConfigDict(frozen=True)

    path: str
    body: Any = None
    headers: dict[str, str] = {}


class DyingService(BaseModel):
    """A life that ends by SIGKILL at `point`, written `name` or `name:passage`.

    With `requests`, the point is armed after the `first` of them were answered; without, before the service begins, so
    that it dies of what waits for it on the bus.
    """

    model_config = ConfigDict(frozen=True)

    package: str
    home: Path
    valkey_url: str
    point: str
    first: tuple[Request, ...] = ()
    requests: tuple[Request, ...] = ()

    async def die(self) -> int | None:
        """Live until the point is reached; how the process ended.

        Raises:
            TimeoutError: the point was not reached; nothing is left running.
        """
        child = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", __name__, self.model_dump_json()), stdout=asyncio.subprocess.DEVNULL
        )
        try:
            async with asyncio.timeout(_DEAD_WITHIN_SECONDS):
                return await child.wait()
        finally:
            if child.returncode is None:
                child.kill()
                await child.wait()


async def _live(life: DyingService) -> None:
    platforms = PlatformFactory(life.home, life.valkey_url)
    platform = platforms(life.package)
    service: Service = import_module(f"{life.package}.app").create_service(platform)
    if not life.requests:
        arm_from(life.point)
    async with platforms.running((service, platform)):
        if life.requests:
            if service.api is None:
                raise ValueError(f"{service.name} serves no HTTP")
            async with http_client(service.api, headers=await sign_in(platform)) as http:
                for request in life.first:
                    (await _ask(http, request)).raise_for_status()
                arm_from(life.point)
                for request in life.requests:
                    await _ask(http, request)
        await asyncio.Event().wait()  # some points are reached by a timer, or by what the bus brings


async def _ask(http: httpx.AsyncClient, request: Request) -> httpx.Response:
    return await http.post(request.path, json=request.body, headers=request.headers)


if __name__ == "__main__":
    asyncio.run(_live(DyingService.model_validate_json(sys.argv[1])))
