"""Replies as Gmail, Outlook and Apple Mail write them in each language: the history is cut where it begins (X6)."""

import pytest

from ingest_email.parsing.quotes import split

WHO = "Acme Support <support@acme.example>"
GMAIL = {
    "en": [f"On Tue, Nov 10, 2026 at 8:02\u202fAM {WHO} wrote:", f"On Tue, 10 Nov 2026 at 08:02, {WHO}\nwrote:"],
    "fr": [f"Le mar. 10 nov. 2026 à 08:02, {WHO} a\nécrit\u00a0:"],
    "de": ["Am Di., 10. Nov. 2026 um 08:02\u202fUhr schrieb Acme Support <\nsupport@acme.example>:"],
    "es": ["El mar, 10 nov 2026 a las 8:02, Acme Support (<support@acme.example>)\nescribió:"],
    "it": [f"Il giorno mar 10 nov 2026 alle ore 08:02 {WHO} ha\nscritto:"],
    "pt": [
        f"Em ter., 10 de nov. de 2026 às 08:02, {WHO}\nescreveu:",
        f"{WHO} escreveu (terça, 10/11/2026 à(s) 08:02):",
    ],
    "nl": [f"Op di 10 nov 2026 om 08:02 schreef {WHO}:"],
}
APPLE_MAIL = {
    "en": [f"On 10 Nov 2026, at 08:02, {WHO} wrote:", f"> On Nov 10, 2026, at 8:02\u202fAM, {WHO} wrote:"],
    "fr": [f"Le 10 nov. 2026 à 08:02, {WHO} a écrit\u00a0:"],
    "de": [f"Am 10.11.2026 um 08:02 schrieb {WHO}:", f"> Am 10.11.2026 um 08:02 schrieb {WHO}:"],
    "es": [f"El 10 nov 2026, a las 8:02, {WHO} escribió:"],
    "it": [f"Il giorno 10 nov 2026, alle ore 08:02, {WHO} ha scritto:"],
    "pt": [f"No dia 10/11/2026, às 08:02, {WHO} escreveu:", f"Em 10 de nov. de 2026, à(s) 08:02, {WHO} escreveu:"],
    "nl": [f"Op 10 nov 2026, om 08:02 heeft {WHO} het volgende geschreven:"],
}
OUTLOOK = {
    "en": [
        f"From: {WHO}\nSent: Tuesday, November 10, 2026 8:02 AM\nTo: Jane\nSubject: Your order",
        f"From: {WHO}\nDate: Tuesday, 10 November 2026 at 08:02\nTo: Jane\nSubject: Your order",
        "-----Original Message-----",
    ],
    "fr": [
        f"De\u00a0: {WHO}\nEnvoyé\u00a0: mardi 10 novembre 2026 08:02\nÀ\u00a0: Jane\nObjet\u00a0: Votre commande",
        f"De : {WHO}\nDate : mardi, 10 novembre 2026 à 08:02\nÀ : Jane\nObjet : Votre commande",
        "-----Message d\u2019origine-----",
    ],
    "de": [
        f"Von: {WHO}\nGesendet: Dienstag, 10. November 2026 08:02\nAn: Jane\nBetreff: Ihre Bestellung",
        f"Von: {WHO}\nDatum: Dienstag, 10. November 2026 um 08:02\nAn: Jane\nBetreff: Ihre Bestellung",
        "-----Ursprüngliche Nachricht-----",
    ],
    "es": [
        f"De: {WHO}\nEnviado: martes, 10 de noviembre de 2026 8:02\nPara: Jane\nAsunto: Su pedido",
        f"De: {WHO}\nFecha: martes, 10 de noviembre de 2026, 8:02\nPara: Jane\nAsunto: Su pedido",
        "-----Mensaje original-----",
    ],
    "it": [
        f"Da: {WHO}\nInviato: martedì 10 novembre 2026 08:02\nA: Jane\nOggetto: Il suo ordine",
        f"Da: {WHO}\nData: martedì, 10 novembre 2026 alle ore 08:02\nA: Jane\nOggetto: Il suo ordine",
        "-----Messaggio originale-----",
    ],
    "pt": [
        f"De: {WHO}\nEnviado: terça-feira, 10 de novembro de 2026 08:02\nPara: Jane\nAssunto: Seu pedido",
        f"De: {WHO}\nData: terça-feira, 10 de novembro de 2026 às 08:02\nPara: Jane\nAssunto: Seu pedido",
        "-----Mensagem original-----",
    ],
    "nl": [
        f"Van: {WHO}\nVerzonden: dinsdag 10 november 2026 08:02\nAan: Jane\nOnderwerp: Uw bestelling",
        f"Van: {WHO}\nDatum: dinsdag 10 november 2026 om 08:02\nAan: Jane\nOnderwerp: Uw bestelling",
        "-----Oorspronkelijk bericht-----",
    ],
}
CLIENTS = {"gmail": GMAIL, "apple_mail": APPLE_MAIL, "outlook": OUTLOOK}
CASES = [
    pytest.param(introduction, id=f"{client}-{language}-{number}")
    for client, languages in CLIENTS.items()
    for language, introductions in languages.items()
    for number, introduction in enumerate(introductions)
]
REPLIES = {
    "en": "On Monday I wrote to you, but nobody has answered yet.",
    "fr": "Le 10 novembre, votre collègue m'a écrit que le colis était parti.",
    "de": "Am 10. November schrieb mir Ihr Kollege, das Paket sei unterwegs.",
    "es": "El 10 de noviembre su compañero me escribió que ya salió.",
    "it": "Il 10 novembre il suo collega mi ha scritto che è partito.",
    "pt": "No dia 10 de novembro o seu colega escreveu que já saiu.",
    "nl": "Op 10 november heeft uw collega mij geschreven dat het onderweg is.",
}


def test_every_language_has_every_client() -> None:
    """Seven languages are promised for each of the three programs."""
    assert {client: set(languages) for client, languages in CLIENTS.items()} == {
        client: set(REPLIES) for client in CLIENTS
    }


@pytest.mark.parametrize("introduction", CASES)
@pytest.mark.parametrize("mark", ["> ", ""], ids=["marked", "plain"])
def test_the_reply_ends_above_the_introduction(introduction: str, mark: str) -> None:
    """Nothing of the history stays in the new text, and nothing of the new text goes with it."""
    mark = "> " if introduction.startswith(">") else mark
    history = f"{introduction}\n\n{mark}Your parcel has left.\n{mark}Acme"
    new, quoted = split(f"It arrived, thanks!\n\nJane\n\n{history}")

    assert (new, quoted) == ("It arrived, thanks!\n\nJane", history)


@pytest.mark.parametrize("sentence", REPLIES.values(), ids=REPLIES.keys())
def test_a_sentence_that_begins_like_an_introduction_stays(sentence: str) -> None:
    """People write about who wrote when, too; without the colon at the end that is no introduction."""
    text = f"Hello,\n\n{sentence}\nCould you have a look?\n\nJane"

    assert split(text) == (text, None)
