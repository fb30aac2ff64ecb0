"""Where the new text of a reply ends."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest_email.parsing.quotes import is_forward, split

ADDRESS = "Acme Support <support@acme.example>"
ATTRIBUTIONS = [
    f"On Tue, Nov 10, 2026 at 8:02 AM {ADDRESS} wrote:",
    "On Tue, Nov 10, 2026 at 8:02 AM Acme Support <\nsupport@acme.example> wrote:",
    f"Le mar. 10 nov. 2026 à 08:02, {ADDRESS} a écrit :",
    f"Le mar. 10 nov. 2026 à 08:02, {ADDRESS} a\nécrit :",
    f"Am Di., 10. Nov. 2026 um 08:02 Uhr schrieb {ADDRESS}:",
    "Am 10.11.26 um 08:02 schrieb Acme:",
    "Acme Support schrieb am 10.11.2026 um 08:02:",
    f"El mar, 10 nov 2026 a las 8:02, {ADDRESS}\nescribió:",
    "El mar, 10 nov 2026 a las 8:02, Acme (<support@acme.example>) escribió:",
    f"Il giorno mar 10 nov 2026 alle ore 08:02 {ADDRESS} ha scritto:",
    f"Em ter., 10 de nov. de 2026 às 08:02, {ADDRESS} escreveu:",
    f"Em ter., 10 de nov. de 2026 às 08:02, {ADDRESS}\nescreveu:",
    f"Op di 10 nov 2026 om 08:02 schreef {ADDRESS}:",
    "-----Original Message-----",
    "-----Ursprüngliche Nachricht-----",
]
HEADER_BLOCKS = [
    f"From: {ADDRESS}\nSent: Tuesday, November 10, 2026 8:02 AM\nTo: Jane\nSubject: Your order",
    f"De : {ADDRESS}\nEnvoyé : mardi 10 novembre 2026 08:02\nÀ : Jane\nObjet : Votre commande",
    f"Von: {ADDRESS}\nGesendet: Dienstag, 10. November 2026 08:02\nAn: Jane\nBetreff: Ihre Bestellung",
    f"De: {ADDRESS}\nEnviado el: martes, 10 de noviembre de 2026 8:02\nPara: Jane\nAsunto: Su pedido",
    f"Da: {ADDRESS}\nInviato: martedì 10 novembre 2026 08:02\nA: Jane\nOggetto: Il suo ordine",
    f"De: {ADDRESS}\nEnviada em: terça-feira, 10 de novembro de 2026 08:02\nPara: Jane\nAssunto: Seu pedido",
    f"Van: {ADDRESS}\nVerzonden: dinsdag 10 november 2026 08:02\nAan: Jane\nOnderwerp: Uw bestelling",
    f"________________________________\nFrom: {ADDRESS}\nDate: Tuesday\nTo: Jane",
    f"*From:* {ADDRESS}\n*Sent:* Tuesday\n*To:* Jane",
]


@pytest.mark.parametrize("introduction", [*ATTRIBUTIONS, *HEADER_BLOCKS])
@pytest.mark.parametrize("history", ["> Your parcel has left.\n> Acme", "Your parcel has left.\nAcme"])
def test_history_begins_at_its_introduction(introduction: str, history: str) -> None:
    """In seven languages, with and without marks, wrapped or not, the reply ends above the introduction (X6)."""
    new, quoted = split(f"It arrived, thanks!\n\nJane\n\n{introduction}\n\n{history}")

    assert new == "It arrived, thanks!\n\nJane"
    assert quoted == f"{introduction}\n\n{history}"


@pytest.mark.parametrize(
    "text",
    [
        "On Monday 9 November I wrote to you.\nYou did not answer.",
        "My order: 4711\nFrom: the website\nTo: Berlin",
        "Prices went > 10 euros\nand that is too much",
        "Le 10 novembre j'ai écrit à votre service.",
        "- one\n- two",
        "From: Jane\nSent: Tuesday\nThis is a form, and these are its fields.",
    ],
)
def test_what_only_looks_like_history_stays(text: str) -> None:
    """Text that an agent would not see is worse than text seen twice."""
    assert split(text) == (text, None)


def test_answers_between_the_quoted_lines_stay() -> None:
    """An answer below or inside the quotation is new text: nothing is cut."""
    text = "Hello,\n\nOn Tue, Nov 10, 2026 Acme wrote:\n\n> Which size?\n\nLarge.\n\n> Which colour?\n\nBlue."

    assert split(text) == (text, None)


def test_quotation_without_introduction_is_cut_at_the_end() -> None:
    """Marked lines at the very end are history."""
    assert split("Yes.\n\n> Shall we send it?\n> Acme\n") == ("Yes.", "> Shall we send it?\n> Acme")


def test_signature_is_set_apart() -> None:
    """The delimiter of RFC 3676 ends the new text."""
    assert split("Yes.\n-- \nJane\nAcme Corp.") == ("Yes.", "-- \nJane\nAcme Corp.")


@pytest.mark.parametrize("subject", ["Fwd: x", "FW: x", "TR : x", "WG: x", "RV: x", "Enc: x"])
def test_forwards_are_recognised(subject: str) -> None:
    """A forward is read whole."""
    assert is_forward(subject)
    assert not is_forward(f"Re: {subject}")


@given(
    st.lists(st.sampled_from([">", "> a", "", "-- ", "On 1 wrote:", "From: x", "Sent: y", "text", "____"]), max_size=40)
)
def test_nothing_is_lost(lines: list[str]) -> None:
    """New text and history together are the text, whatever was cut."""
    new, quoted = split("\n".join(lines))
    words = f"{new}\n{quoted or ''}".split()

    assert words == " ".join(lines).split()
