"""Class indices of the rendered rooms; 1 to 6 are those of the labelled interior photographs used in training."""

CLASSES = (
    "room",
    "bed",
    "chair",
    "plant",
    "sofa",
    "swivel chair",
    "table",
    "tv",
    "lamp",
    "shelf",
    "rug",
    "picture",
    "cabinet",
    "tripod",
)
"""Class names by index; 0 is what belongs to the room and stays when it is emptied."""

ROOM, BED, CHAIR, PLANT, SOFA, SWIVEL_CHAIR, TABLE, TV, LAMP, SHELF, RUG, PICTURE, CABINET, TRIPOD = range(14)
