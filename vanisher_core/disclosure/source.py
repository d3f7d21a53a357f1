"""IPTC's digital source types: which term says truly how an erased picture came about.

Vocabulary: https://cv.iptc.org/newscodes/digitalsourcetype/ (definitions of 2024-10-23). docs/decisions/012
says why these two and not the others.
"""

VOCABULARY = "http://cv.iptc.org/newscodes/digitalsourcetype/"
GENERATIVE = VOCABULARY + "compositeWithTrainedAlgorithmicMedia"
"""A trained network took part in the fill: "augmentation, correction or enhancement using a Generative AI
model, such as with inpainting"."""
RETOUCHED = VOCABULARY + "humanEdits"
"""The fill is the photograph's own texture: "augmentation, correction or enhancement by one or more humans using
non-generative tools"."""
STRONGER = frozenset(
    VOCABULARY + term
    for term in ("trainedAlgorithmicMedia", "compositeSynthetic", "compositeWithTrainedAlgorithmicMedia")
)
"""What a picture may say of itself already and a retouch does not make less true."""


def source_type(weights: object, before: str | None) -> str:
    """The term for a result.

    Args:
        weights: the receipt's weights; any means that a network took part, if only as a faint guide.
        before: the term that the photograph carried, if any.

    Returns:
        URI of the term. A picture made by a model stays one, whatever was erased from it.
    """
    if before == VOCABULARY + "trainedAlgorithmicMedia":
        return before
    if weights:
        return GENERATIVE
    return before if before in STRONGER and before else RETOUCHED
