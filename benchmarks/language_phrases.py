"""Phrases as people type them, by language, written after the rules of `phrasepix.tags.language`."""

ENGLISH = """
    hedgehog | wet dog | paper lantern | rusty anchor | a beehive | opera singer | latte art | ninja |
    sombrero | origami crane | gouda cheese | street musician | snow globe | pretzel | sangria | a llama |
    burrito | vintage vespa | old tram in Lisbon | rickshaw | Venice canal | sumo wrestler | cafe terrace |
    ballet shoes | baguette | karaoke bar | fondue | sphinx | geisha with umbrella | Viking ship | empty swing
    | broken mirror | candle in a window | hand in hand | a girl with a balloon | two men on a bench | an owl
    at dusk | bees on lavender | grandfather clock | chess in the park | a lone surfer at dawn | man sleeping
    on a train | kids in yellow raincoats | barn on fire | moon over the desert | bride and groom under an oak
    | a blind man with a stick | woman reading in a hammock | fishing net on a pier | crowd at a rock concert
    | robin in winter | soup kitchen | a dam | gate in a wall | salt flats | red hat | die | motel at night |
    ice on a pond | paella for six
"""

OTHERS = {
    "de": """
        ein Igel im Laub | Laterne in einer dunklen Gasse | zwei Männer auf einer Bank | der Mond über der Wüste |
        alte Frau füttert Tauben | Mädchen mit Luftballon | verlassener Bahnhof | Frühstück am Fenster |
        ein Mann schläft im Zug | rostiger Anker am Ufer | Regenschirm | Schafe auf einer Weide bei Nebel
    """,
    "fr": """
        un hérisson dans les feuilles | deux hommes sur un banc | la lune au-dessus du désert | une gare abandonnée |
        une fille avec un ballon | petit déjeuner près de la fenêtre | vieille femme qui nourrit les pigeons |
        lanterne dans une ruelle sombre | un homme dort dans le train | parapluie rouge
    """,
    "es": """
        un erizo entre las hojas | dos hombres en un banco | la luna sobre el desierto | una estación abandonada |
        una niña con un globo | desayuno junto a la ventana | anciana dando de comer a las palomas |
        farol en un callejón oscuro | un hombre duerme en el tren | paraguas rojo
    """,
    "it": """
        un riccio tra le foglie | due uomini su una panchina | la luna sopra il deserto | una stazione abbandonata |
        una bambina con un palloncino | colazione vicino alla finestra | lanterna in un vicolo buio |
        un uomo dorme sul treno | ombrello rosso
    """,
    "pt": """
        um ouriço entre as folhas | dois homens num banco | a lua sobre o deserto | uma estação abandonada |
        uma menina com um balão | café da manhã perto da janela | um homem dorme no trem | guarda-chuva vermelho
    """,
    "nl": """
        een egel in de bladeren | twee mannen op een bankje | de maan boven de woestijn | een verlaten station |
        een meisje met een ballon | ontbijt bij het raam | een man slaapt in de trein | rode paraplu
    """,
    "pl": """
        jeż w liściach | dwaj mężczyźni na ławce | księżyc nad pustynią | opuszczony dworzec |
        dziewczynka z balonem | śniadanie przy oknie | mężczyzna śpi w pociągu | czerwony parasol
    """,
    "ru": """
        ёж в листьях | двое мужчин на скамейке | луна над пустыней | заброшенный вокзал | девочка с шариком |
        завтрак у окна | мужчина спит в поезде | красный зонт
    """,
    "uk": """
        їжак у листі | двоє чоловіків на лавці | місяць над пустелею | дівчинка з кулькою | сніданок біля вікна
    """,
    "sv": """
        en igelkott bland löven | två män på en bänk | månen över öknen | en övergiven station | frukost vid fönstret
    """,
    "cs": """
        ježek v listí | dva muži na lavičce | měsíc nad pouští | opuštěné nádraží | snídaně u okna
    """,
    "tr": """
        yaprakların arasında bir kirpi | bankta oturan iki adam | çölün üzerinde ay | terk edilmiş istasyon
    """,
    "hu": """
        sün a levelek között | két férfi egy padon | hold a sivatag felett | elhagyatott állomás
    """,
    "id": """
        landak di antara daun | dua pria di bangku | bulan di atas gurun | stasiun yang ditinggalkan
    """,
    "ja": "落ち葉の中のハリネズミ | ベンチに座る二人の男 | 砂漠の上の月",
    "zh": "落叶中的刺猬 | 长椅上的两个男人 | 沙漠上的月亮",
    "ko": "낙엽 속의 고슴도치 | 벤치에 앉은 두 남자 | 사막 위의 달",
    "ar": "قنفذ بين الأوراق | رجلان على مقعد | القمر فوق الصحراء",
    "he": "קיפוד בין העלים | שני גברים על ספסל | הירח מעל המדבר",
    "hi": "पत्तियों के बीच एक साही | बेंच पर दो आदमी | रेगिस्तान के ऊपर चाँद",
    "el": "ένας σκαντζόχοιρος στα φύλλα | δύο άντρες σε ένα παγκάκι | το φεγγάρι πάνω από την έρημο",
}


def phrases(text: str) -> list[str]:
    """The phrases of a block."""
    return [" ".join(phrase.split()) for phrase in text.split("|")]
