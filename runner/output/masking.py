"""People's data out of sight: a request whose words stay exact."""

from runner.ledger.identity import reference_of
from runner.ledger.seam import Entry
from runner.model import Json
from runner.recipients.phones import mask


def masked_request(request: Json, rendered: Json) -> Json:
    """`rendered` holds Bird's fields with the output of each expression masked; the receiver is masked here."""
    masked = {**rendered, "receiver": {"contacts": [_contact(contact) for contact in request["receiver"]["contacts"]]}}
    masked.setdefault("reference", request["reference"])
    return masked


def recipient(address: str, *, show_pii: bool = False) -> str | None:
    """A ledger's address without its kind, masked; None where it was purged."""
    if not address:
        return None
    if not show_pii:
        return mask(address)
    return address if address.startswith(("[", "id:")) else address.partition(":")[2]


def in_words(address: str) -> str:
    """The same for people."""
    return recipient(address) or "purged"


def reference(entry: Entry, *, show_pii: bool = False) -> str:
    """A ledger's reference: one that the manifest gave itself may name a person, and of a purged one a hash is left."""
    return entry.reference if show_pii or not entry.address or entry.reference == reference_of(entry.key) else "***"


def _contact(contact: Json) -> Json:
    plain = ("identifierKey", "type")
    return {
        key: value if key in plain else mask(value) if isinstance(value, str) else "***"
        for key, value in contact.items()
    }
