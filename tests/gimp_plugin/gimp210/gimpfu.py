"""A stand-in of GIMP 2.10's gimpfu that holds real pixels; runs under Python 2.7 and 3.

It knows the calls that gimp_plugin/gimp-2.10/vanisher.py makes, and no other: anything else raises. Writes reach a
drawable when it is flushed, as in GIMP, and every change of an image outside an undo group is noted.
"""

PF_IMAGE, PF_DRAWABLE, PF_SPINNER, PF_OPTION = "image", "drawable", "spinner", "option"
CHANNELS = {0: 3, 1: 4, 2: 1, 3: 2, 4: 1, 5: 2}
"""Image type of a layer (RGB, RGBA, GRAY, GRAYA, INDEXED, INDEXEDA) -> bytes of a pixel."""

PROCEDURES = {}
MESSAGES = []
PROGRESS = []


def register(
    name, blurb, help, author, copyright, date, label, imagetypes, params, results, function, menu=None
):
    """As gimpfu's, which refuses names with other characters than letters, digits, - and _."""
    assert name.replace("-", "").replace("_", "").isalnum() and name.startswith("python-fu-")
    assert all(isinstance(text, str) and text for text in (blurb, help, author, copyright, date, label, menu))
    assert imagetypes == "*" and results == []
    assert [param[0] for param in params[:2]] == [PF_IMAGE, PF_DRAWABLE]
    assert all(len(param) == (5 if param[0] in (PF_SPINNER, PF_OPTION) else 4) for param in params)
    PROCEDURES[name] = {
        "label": label,
        "menu": menu,
        "params": [param[1] for param in params],
        "run": function,
    }


def main():
    """The real one waits for GIMP's calls; play.py makes them."""


class Region:
    """Part of a drawable; index with [left:right, top:bottom] in the drawable's pixels."""

    def __init__(self, drawable, box, dirty):
        self.drawable, self.box, self.dirty = drawable, box, dirty

    def _rows(self, key):
        across, down = key
        left, top, width, height = self.box
        assert left <= across.start <= across.stop <= left + width
        assert top <= down.start <= down.stop <= top + height
        bpp, row = self.drawable.bpp, self.drawable.width * self.drawable.bpp
        for y in range(down.start, down.stop):
            yield slice(y * row + across.start * bpp, y * row + across.stop * bpp)

    def __getitem__(self, key):
        return b"".join(bytes(self.drawable.data[part]) for part in self._rows(key))

    def __setitem__(self, key, value):
        assert self.dirty and isinstance(value, bytes)
        rows = list(self._rows(key))
        size = rows[0].stop - rows[0].start
        assert len(value) == size * len(rows)
        for number, part in enumerate(rows):
            self.drawable.pending.append((part, value[number * size : (number + 1) * size]))


class Drawable:
    """Pixels at a place: a layer, a mask or a channel."""

    def __init__(self, image, name, width, height, bpp, data=None):
        self.image, self.name, self.width, self.height, self.bpp = image, name, width, height, bpp
        self.data = bytearray(data if data is not None else width * height * bpp)
        assert len(self.data) == width * height * bpp
        self.pending, self.offsets, self.updated = [], (0, 0), False
        self.is_indexed = self.is_group = self.is_layer = False

    def get_pixel_rgn(self, x, y, width, height, dirty, shadow):
        assert x >= 0 and y >= 0 and width > 0 and height > 0 and not shadow
        assert x + width <= self.width and y + height <= self.height
        return Region(self, (x, y, width, height), dirty)

    def flush(self):
        if self.pending:
            self.image.changed(self)
        for part, value in self.pending:
            self.data[part] = value
        self.pending = []

    def update(self, x, y, width, height):
        self.updated = True


class Layer(Drawable):
    """A layer; new ones hold nothing sensible until they are written."""

    def __init__(self, image, name, width, height, type, opacity=100, mode=28, data=None):
        filled = data if data is not None else b"\x5a" * (width * height * CHANNELS[type])
        Drawable.__init__(self, image, name, width, height, CHANNELS[type], filled)
        self.type, self.opacity, self.mode, self.mask = type, opacity, mode, None
        self.is_indexed, self.is_layer = type > 3, True

    def set_offsets(self, x, y):
        self.offsets = (x, y)

    def create_mask(self, kind):
        assert kind == 1
        return Drawable(self.image, self.name + " mask", self.width, self.height, 1)

    def add_mask(self, mask):
        self.image.changed(self)
        self.mask = mask


class Image:
    """Layers, the topmost first, a selection and the undo history."""

    def __init__(self, width, height):
        self.width, self.height, self.layers = width, height, []
        self.selection = Drawable(self, "selection", width, height, 1)
        self.depth, self.steps, self.unprotected = 0, 0, []

    def changed(self, what):
        if self.depth == 0:
            self.unprotected.append(what.name)


class Procedures:
    """`pdb`."""

    def gimp_message(self, text):
        MESSAGES.append(text)

    def gimp_item_is_layer(self, item):
        return item.is_layer

    def gimp_item_is_group(self, item):
        return item.is_group

    def gimp_item_get_parent(self, item):
        return None

    def gimp_image_get_item_position(self, image, item):
        return image.layers.index(item)

    def gimp_image_insert_layer(self, image, layer, parent, position):
        assert parent is None
        image.changed(layer)
        image.layers.insert(position, layer)

    def gimp_layer_set_edit_mask(self, layer, on):
        assert layer.mask is not None and not on

    def gimp_image_undo_group_start(self, image):
        image.depth += 1
        image.steps += 1

    def gimp_image_undo_group_end(self, image):
        assert image.depth > 0
        image.depth -= 1

    def gimp_selection_is_empty(self, image):
        return not any(image.selection.data)

    def gimp_drawable_mask_intersect(self, drawable):
        """Box of the selection on the drawable, in its pixels; the whole drawable if nothing is selected."""
        image, (across, down) = drawable.image, drawable.offsets
        if self.gimp_selection_is_empty(image):
            return True, 0, 0, drawable.width, drawable.height
        marked = [
            (place % image.width - across, place // image.width - down)
            for place, value in enumerate(image.selection.data)
            if value
        ]
        inside = [(x, y) for x, y in marked if 0 <= x < drawable.width and 0 <= y < drawable.height]
        if not inside:
            return False, 0, 0, 0, 0
        columns, rows = [x for x, _ in inside], [y for _, y in inside]
        left, top = min(columns), min(rows)
        return True, left, top, max(columns) + 1 - left, max(rows) + 1 - top


class Gimp:
    """`gimp`."""

    Layer = Layer
    directory = ""

    def progress_init(self, text):
        PROGRESS.append(text)

    def progress_update(self, fraction):
        assert 0 <= fraction <= 1
        PROGRESS.append(fraction)

    def displays_flush(self):
        pass


gimp, pdb = Gimp(), Procedures()
