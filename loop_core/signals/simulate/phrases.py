"""What customers write: sentences by language and theme, personal data they give away, and how they mistype."""

from __future__ import annotations

import numpy as np

THEMES = ("late", "damaged", "wrong_item", "quality", "support", "packaging", "praise", "fast")

#: language → theme → sentences. {item} and {days} are filled in.
SENTENCES: dict[str, dict[str, tuple[str, ...]]] = {
    "pt": {
        "late": (
            "O prazo passou e o pedido ainda não chegou",
            "Chegou com {days} dias de atraso, não compro mais",
            "Estou esperando há {days} dias e ninguém sabe onde está",
            "A entrega atrasou muito, precisava antes",
        ),
        "damaged": (
            "O produto chegou quebrado",
            "A caixa veio amassada e {item} rachado",
            "Veio com defeito e todo riscado",
        ),
        "wrong_item": ("Recebi o produto errado", "Pedi {item} e veio outra coisa", "Veio só uma parte do pedido"),
        "quality": (
            "A qualidade é muito fraca",
            "Parece barato, não é como na foto",
            "Parou de funcionar em {days} dias",
        ),
        "support": ("Ninguém responde às minhas mensagens", "O atendimento é péssimo", "Já liguei {days} vezes e nada"),
        "packaging": ("A embalagem podia ser melhor", "Muito plástico para um produto tão pequeno"),
        "praise": ("Gostei muito, recomendo", "Produto excelente, igual ao anunciado", "Tudo certo, {item} é lindo"),
        "fast": ("Chegou antes do prazo, parabéns", "Entrega muito rápida", "Em {days} dias já estava em casa"),
    },
    "es": {
        "late": (
            "El pedido llegó {days} días tarde",
            "Se pasó la fecha y todavía no llega",
            "Llevo {days} días esperando, nadie sabe nada",
            "La entrega se retrasó demasiado",
        ),
        "damaged": ("El producto llegó roto", "La caja vino aplastada y {item} rajado", "Llegó con golpes y rayado"),
        "wrong_item": ("Me enviaron el producto equivocado", "Pedí {item} y llegó otra cosa", "Falta parte del pedido"),
        "quality": (
            "La calidad es muy mala",
            "Se ve barato, no es como en la foto",
            "Dejó de funcionar a los {days} días",
        ),
        "support": ("Nadie contesta mis mensajes", "La atención es pésima", "Llamé {days} veces y nada"),
        "packaging": ("El embalaje podría ser mejor", "Demasiado plástico"),
        "praise": (
            "Me encantó, lo recomiendo",
            "Excelente producto, tal como se anuncia",
            "Todo perfecto, {item} es precioso",
        ),
        "fast": ("Llegó antes de lo prometido", "Entrega rapidísima", "En {days} días ya lo tenía en casa"),
    },
    "en": {
        "late": (
            "The promised date is gone and nothing has arrived",
            "It came {days} days late, never again",
            "Waiting for {days} days and nobody knows where it is",
            "Delivery took far too long, I needed it earlier",
        ),
        "damaged": ("It arrived broken", "The box was crushed and {item} cracked", "Scratched all over and dented"),
        "wrong_item": (
            "I got the wrong product",
            "Ordered {item} and got something else",
            "Part of the order is missing",
        ),
        "quality": ("Very poor quality", "Looks cheap, nothing like the picture", "Stopped working after {days} days"),
        "support": ("Nobody answers my messages", "Customer service is terrible", "I called {days} times for nothing"),
        "packaging": ("The packaging could be better", "Too much plastic for such a small thing"),
        "praise": ("Love it, would recommend", "Great product, exactly as described", "All good, {item} is lovely"),
        "fast": ("Arrived before the promised date", "Really quick delivery", "Had it at home in {days} days"),
    },
    "de": {
        "late": (
            "Der versprochene Termin ist vorbei und nichts ist da",
            "Kam {days} Tage zu spät, nie wieder",
            "Ich warte seit {days} Tagen und keiner weiß etwas",
            "Die Lieferung hat viel zu lange gedauert",
        ),
        "damaged": ("Kam kaputt an", "Der Karton war zerdrückt und {item} gerissen", "Überall Kratzer und Dellen"),
        "wrong_item": (
            "Ich habe das falsche Produkt bekommen",
            "{item} bestellt, etwas anderes bekommen",
            "Ein Teil fehlt",
        ),
        "quality": (
            "Sehr schlechte Qualität",
            "Wirkt billig, gar nicht wie auf dem Bild",
            "Nach {days} Tagen schon defekt",
        ),
        "support": (
            "Niemand antwortet auf meine Nachrichten",
            "Der Kundendienst ist furchtbar",
            "{days} Mal angerufen, nichts",
        ),
        "packaging": ("Die Verpackung könnte besser sein", "Viel zu viel Plastik"),
        "praise": (
            "Sehr schön, gerne wieder",
            "Tolles Produkt, genau wie beschrieben",
            "Alles bestens, {item} ist wunderschön",
        ),
        "fast": ("Kam vor dem Termin an", "Sehr schnelle Lieferung", "Nach {days} Tagen schon zu Hause"),
    },
}

ITEMS: dict[str, tuple[str, ...]] = {
    "pt": (
        "o abajur",
        "o perfume",
        "a bola",
        "o fone",
        "a cadeira",
        "o jogo",
        "o livro",
        "o vaso",
        "a camisa",
        "a furadeira",
    ),
    "es": (
        "la lámpara",
        "el perfume",
        "la pelota",
        "los auriculares",
        "la silla",
        "el juego",
        "el libro",
        "la maceta",
        "la camisa",
        "el taladro",
    ),
    "en": (
        "the lamp",
        "the perfume",
        "the ball",
        "the headset",
        "the chair",
        "the game",
        "the book",
        "the pot",
        "the shirt",
        "the drill",
    ),
    "de": (
        "die Lampe",
        "das Parfüm",
        "der Ball",
        "der Kopfhörer",
        "der Stuhl",
        "das Spiel",
        "das Buch",
        "der Topf",
        "das Hemd",
        "die Bohrmaschine",
    ),
}
"""Language → the thing bought, in the order of `world.CATEGORIES`."""

#: Made-up people. The domains are reserved for examples (RFC 2606), the numbers are not in use.
_CONTACT = {
    "pt": ("me liguem no +351 900 {a:03d} {b:03d}", "meu e-mail é {name}{a}@example.com", "{name}.{a}@example.org"),
    "es": ("mi teléfono es +34 600 {a:03d} {b:03d}", "escríbanme a {name}{a}@example.com", "{name}.{a}@example.org"),
    "en": ("call me at +44 7700 900{a:03d}", "my email is {name}{a}@example.com", "{name}.{a}@example.org"),
    "de": (
        "rufen Sie mich an: +49 151 555{a:03d}{b:02d}",
        "meine Adresse ist {name}{a}@example.com",
        "{name}.{a}@example.org",
    ),
}
_NAMES = ("maria", "joao", "ana", "carlos", "lucia", "emma", "oliver", "sofia", "jonas", "hannah")


def sentence(language: str, theme: str, category: int, draw: np.ndarray) -> str:
    """One comment. `draw`: (6,) uniform numbers in [0, 1) that make every choice."""
    choices = SENTENCES[language][theme]
    text = choices[int(draw[0] * len(choices))].format(item=ITEMS[language][category], days=2 + int(draw[1] * 9))
    text = text[0].upper() + text[1:] + ("!", ".", "", "!!")[int(draw[2] * 4)]
    if draw[3] < 0.2:
        text = mistype(text, float(draw[4]))
    if draw[5] < 0.05:
        text = f"{text} {_contact(language, float(draw[5]) * 20, float(draw[4]))}"
    return text


def mistype(text: str, where: float) -> str:
    """Swap two neighbouring letters, or leave one out; `where` in [0, 1) says which."""
    place = 1 + int(where * max(len(text) - 3, 1))
    if int(where * 1000) % 2:
        return text[:place] + text[place + 1 : place + 2] + text[place] + text[place + 2 :]
    return text[:place] + text[place + 1 :]


def _contact(language: str, which: float, number: float) -> str:
    forms = _CONTACT[language]
    a, b = int(number * 1000), int(number * 97_531) % 100
    return forms[int(which * len(forms))].format(a=a, b=b, name=_NAMES[int(number * 1000) % len(_NAMES)])
