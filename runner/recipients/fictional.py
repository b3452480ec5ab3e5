"""Numbers and addresses that belong to nobody: kept free for films, books and documentation."""

import re

_PHONES = re.compile(
    r"\+1[2-9][0-9]{2}55501[0-9]{2}"  # North America: 555-0100 to 555-0199 of each area (NANPA)
    # Britain (Ofcom, "Telephone numbers for use in TV and radio drama programmes")
    r"|\+44(?:7700900|1632960|2079460|2896496|2920180|8081570|9098790|3069990)[0-9]{3}"
    r"|\+44(?:11[3-8]|1[2-6]1)4960[0-9]{3}|\+441914980[0-9]{3}"
    r"|\+61(?:491570(?:006|156|157|158|159|110|313|737)|[2378][57]01[0-9]{5})"  # Australia (ACMA)
)
# RFC 2606 and RFC 6761.
_EMAILS = re.compile(r"[^@]*@(?:.*\.)?(?:example|test|invalid|localhost|example\.(?:com|net|org))\.?", re.IGNORECASE)


def is_fictional(value: str) -> bool:
    """Whether a phone number in E.164, or an e-mail address, can be nobody's."""
    return (_EMAILS if "@" in value else _PHONES).fullmatch(value) is not None
