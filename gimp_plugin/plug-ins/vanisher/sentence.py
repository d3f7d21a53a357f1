"""What the user is told when something cannot be done."""


class Sentence(Exception):
    """One sentence for the user: what is wrong, and what to do. The image was not changed."""
