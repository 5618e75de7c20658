"""An uploaded file becomes a document of the user's organisation, in the door's transaction."""

from datetime import datetime
from typing import Any

from market.admission.documents import keep_document
from portal.web import city, user


def keep_upload(s: Any, file: Any, now: datetime, field: str = "document") -> int | None:
    """The number of the document, None if no file was chosen. Raises Refused on `field` for an unfit one."""
    if file is None:
        return None
    folder, org, actor = city().settings.documents, user().org_id, user().actor
    return keep_document(s, folder, org, None, file.filename or "", file.read(), now, actor, field).id
