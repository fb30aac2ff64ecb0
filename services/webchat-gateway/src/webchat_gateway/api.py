"""The gateway over HTTP: the websocket, the widget's script, and a page to try it on."""

from importlib import resources
from typing import Annotated

from fastapi import Query, WebSocket
from fastapi.responses import HTMLResponse, Response

from contracts.ids import new_id
from service_kit.errors import TransientError
from service_kit.http.page import Page
from service_kit.http.problems import Problem, failure_response
from service_kit.http.routes import Routes
from webchat_gateway.door import ChatDoor

_SCRIPT_MAX_AGE_SECONDS = 300


def chat_router(door: ChatDoor) -> Routes:
    """`/v1/chat/ws`, `/widget.js` and `/widget-demo`."""
    router = Routes(tags=["chat"])
    static = resources.files("webchat_gateway") / "static"
    script = (static / "widget.js").read_text(encoding="utf-8")
    page = (static / "demo.html").read_text(encoding="utf-8")

    @router.websocket("/v1/chat/ws")
    async def chat(socket: WebSocket, account: Annotated[str, Query(max_length=100)] = "") -> None:
        try:
            session = await door.admit(socket, account)
        except (Problem, TransientError) as error:
            await socket.send_denial_response(failure_response(error, new_id("req")))
        else:
            await socket.accept()
            await session.run()

    @router.get("/widget.js", response_class=Response, responses={200: {"content": {"text/javascript": {}}}})
    async def widget() -> Response:
        """The widget: `<script src="…/widget.js" data-account="acc_…"></script>`."""
        headers = {"Cache-Control": f"public, max-age={_SCRIPT_MAX_AGE_SECONDS}"}
        return Response(script, media_type="text/javascript", headers=headers)

    @router.get("/widget-demo", response_class=HTMLResponse)
    async def widget_demo() -> Page:
        """A page with the widget on it, for the account named in `?account=`; without one, for the first account."""
        return Page(page)

    return router
