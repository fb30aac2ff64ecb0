"""`/v1/tickets/{id}/messages/{message_id}/images`: pictures that a mail names, for agents who ask for them."""

from typing import Annotated

from fastapi import Depends, Query, Response

from service_kit.auth import Permission, Principal, requires
from service_kit.http.routes import Routes
from tickets.writing.image_fetching import ImageFetching

Reader = Annotated[Principal, Depends(requires(Permission.TICKETS_READ))]
ImageUrl = Annotated[str, Query(max_length=2048, description="As the message's `html` has it, without `remote:`.")]

_HEADERS = {
    "Cache-Control": "private, max-age=86400",
    "Content-Disposition": "inline",
    "Content-Security-Policy": "sandbox; default-src 'none'",
    "X-Content-Type-Options": "nosniff",
}


def images_router(images: ImageFetching) -> Routes:
    """The route."""
    router = Routes("/v1/tickets/{ticket_id}/messages/{message_id}", tags=["messages"])

    @router.get("/images", response_class=Response, responses={200: {"content": {"image/*": {}}}})
    async def show_image(principal: Reader, ticket_id: str, message_id: str, url: ImageUrl = "") -> Response:
        """A picture from elsewhere that the message shows; its server learns our address, not the agent's (S4)."""
        image = await images.fetch(principal.account_id, ticket_id, message_id, url)
        return Response(image.data, media_type=image.content_type, headers=_HEADERS)

    return router
