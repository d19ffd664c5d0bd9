"""What raters read where a study's own file says nothing, by language."""

from collections.abc import Mapping
from types import MappingProxyType

DEFAULT_QUESTION = "How similar is this picture to the ground truth?"

TITLE: Mapping[str, str] = MappingProxyType({"en": "Compare pictures", "de": "Bilder vergleichen"})

RATING_QUESTION: Mapping[str, str] = MappingProxyType(
    {"en": DEFAULT_QUESTION, "de": "Wie ähnlich ist dieses Bild dem Original?"}
)

PAIRWISE_QUESTION: Mapping[str, str] = MappingProxyType(
    {
        "en": "Which of the two pictures is more similar to the ground truth?",
        "de": "Welches der beiden Bilder ist dem Original ähnlicher?",
    }
)

RATING_INSTRUCTIONS: Mapping[str, str] = MappingProxyType(
    {
        "en": "You will see two versions of a photo: the ground truth, which is how the photo should look, and a "
        "picture to judge. Say how close the picture comes to the ground truth.\n\n"
        "Take the whole picture into account, in focus and out of focus. Zoom in where you are unsure. There are no "
        "right or wrong answers: your impression counts.",
        "de": "Sie sehen zwei Fassungen eines Fotos: das Original, so wie das Foto aussehen soll, und ein Bild, das "
        "Sie beurteilen. Sagen Sie, wie nahe das Bild dem Original kommt.\n\n"
        "Achten Sie auf das ganze Bild, auf scharfe und auf unscharfe Stellen. Vergrößern Sie, wo Sie unsicher sind. "
        "Es gibt keine richtigen und falschen Antworten: Ihr Eindruck zählt.",
    }
)

PAIRWISE_INSTRUCTIONS: Mapping[str, str] = MappingProxyType(
    {
        "en": "You will see three versions of a photo: the ground truth, which is how the photo should look, and two "
        "pictures to judge. Say which of the two comes closer to the ground truth.\n\n"
        "Take the whole picture into account, in focus and out of focus. Zoom in where you are unsure. There are no "
        "right or wrong answers: your impression counts.",
        "de": "Sie sehen drei Fassungen eines Fotos: das Original, so wie das Foto aussehen soll, und zwei Bilder, "
        "die Sie vergleichen. Sagen Sie, welches der beiden dem Original näher kommt.\n\n"
        "Achten Sie auf das ganze Bild, auf scharfe und auf unscharfe Stellen. Vergrößern Sie, wo Sie unsicher sind. "
        "Es gibt keine richtigen und falschen Antworten: Ihr Eindruck zählt.",
    }
)

CONSENT: Mapping[str, str] = MappingProxyType(
    {
        "en": "Taking part is voluntary, and you can stop at any time. We keep your answers, how long each one took, "
        "the size and settings of your screen, and the times of your visit, under a random code. We do not keep your "
        "name or your network address. A cookie in your browser holds the code, so that you can continue after a "
        "pause.\n\n"
        "The answers may be published, without anything that names you. At the end you receive a withdrawal code: "
        "with it you can have your answers deleted later.",
        "de": "Die Teilnahme ist freiwillig, und Sie können jederzeit aufhören. Wir speichern Ihre Antworten, wie "
        "lange jede gedauert hat, Größe und Einstellungen Ihres Bildschirms und die Zeiten Ihres Besuchs unter einem "
        "zufälligen Code. Ihren Namen und Ihre Netzadresse speichern wir nicht. Ein Cookie in Ihrem Browser enthält "
        "den Code, damit Sie nach einer Pause weitermachen können.\n\n"
        "Die Antworten dürfen veröffentlicht werden, ohne etwas, das Sie nennt. Am Ende erhalten Sie einen "
        "Widerrufscode: Mit ihm können Sie Ihre Antworten später löschen lassen.",
    }
)

WITHIN_EXPECTED: Mapping[str, str] = MappingProxyType(
    {
        "en": "Most people answer about like this.",
        "de": "Die meisten antworten ungefähr so.",
    }
)

OUTSIDE_EXPECTED: Mapping[str, str] = MappingProxyType(
    {
        "en": "Most people answer differently here. Look again at both pictures before you continue.",
        "de": "Die meisten antworten hier anders. Sehen Sie sich beide Bilder noch einmal an, bevor Sie weitergehen.",
    }
)
