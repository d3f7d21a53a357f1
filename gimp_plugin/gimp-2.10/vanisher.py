#!/usr/bin/env python2
# -*- coding: utf-8 -*-
# Python 2.7 has no pathlib, f-strings, "raise from" ...; pyright knows neither it nor gimpfu.
# ruff: noqa: B904, B905, PTH111, PTH118, PTH123, RUF005, SIM105, SIM115, UP004, UP009, UP024, UP031
# type: ignore
"""Vanisher in GIMP 2.10: Filters > Vanisher, by Python-Fu (Python 2.7, gimpfu, standard library).

This file was never run in a GIMP 2.10: no Debian in reach has one with Python-Fu. It is checked against the
grammar of Python 2.7 and run, under Python 2.7 where there is one, against a stand-in of gimpfu that holds real
pixels, with a real daemon (tests/gimp_plugin/test_gimp210.py). GIMP 3 has a plug-in of its own.

The crop round the selection goes to the daemon as an uncompressed TIFF and comes back as one; the result is a new
layer "Vanished" with a layer mask, one undo step, selection kept. What 2.10 does not give:

- Python-Fu reads and writes 8 bits a channel, so in a 16-bit or float image the new layer's content has 8 bits;
  the original layer, and all that shows outside the mask, keeps its own.
- Indexed images: a sentence says to convert them first.
- A failure is shown as a message; a script sees the call fail and finds the sentence in GIMP's error console.

Procedures: python-fu-vanisher-selection (with a dialog), python-fu-vanisher-selection-now, python-fu-vanisher-people,
python-fu-vanisher-panorama. Settings: vanisher.json in GIMP's profile folder, as in GIMP 3.
"""

import json
import os
import struct
import subprocess
import time

import gimpfu
from gimpfu import gimp, pdb

try:
    import httplib
except ImportError:  # the tests also run this file under Python 3
    import http.client as httplib

VERSION = "0.1"
"""Major and minor of the daemons this file was made for; another major is refused."""

START_SECONDS = 90.0
ANSWER_SECONDS = 60.0
JOB_SECONDS = 1800.0
POLL_SECONDS = 0.2

MODELS = ("auto", "network", "exemplar")
AUTOMATIC = -1
"""The growth that follows each object's size."""

LAYER_MODE_NORMAL, ADD_MASK_BLACK = 28, 1
"""Values of GIMP 2.10's enums; the names differ between its releases."""

FOREIGN = ("LD_LIBRARY_PATH", "LD_PRELOAD", "PYTHONHOME", "PYTHONPATH", "DYLD_LIBRARY_PATH", "GIO_MODULE_DIR")
"""GIMP's own environment, which another Python would trip over."""


class Failure(Exception):
    """Something that a sentence explains."""


# The picture's file: an uncompressed TIFF of one strip (TIFF 6.0)


def tiff_of(samples, width, height, channels):
    """The file of 8-bit samples, height rows of width * channels bytes."""
    has_alpha = channels in (2, 4)
    bits = struct.pack("<%dH" % channels, *([8] * channels))
    tags = [
        (256, 4, 1, struct.pack("<I", width)),
        (257, 4, 1, struct.pack("<I", height)),
        (258, 3, channels, bits),
        (259, 3, 1, struct.pack("<H", 1)),
        (262, 3, 1, struct.pack("<H", 2 if channels > 2 else 1)),
        (273, 4, 1, None),  # where the samples begin: known at the end
        (277, 3, 1, struct.pack("<H", channels)),
        (278, 4, 1, struct.pack("<I", height)),
        (279, 4, 1, struct.pack("<I", len(samples))),
    ]
    if has_alpha:
        tags.append((338, 3, 1, struct.pack("<H", 2)))
    extra_at = 8 + 2 + 12 * len(tags) + 4
    extra = bits + b"\0" * (-len(bits) % 4) if len(bits) > 4 else b""
    head = struct.pack("<2sHIH", b"II", 42, 8, len(tags))
    for tag, kind, count, value in tags:
        if tag == 273:
            value = struct.pack("<I", extra_at + len(extra))
        elif len(value) > 4:
            value = struct.pack("<I", extra_at)
        head += struct.pack("<HHI", tag, kind, count) + value + b"\0" * (4 - len(value))
    return head + struct.pack("<I", 0) + extra + bytes(samples)


def samples_of(data, width, height, channels):
    """The samples of an uncompressed 8-bit TIFF of a known shape, as a bytearray."""
    try:
        order = {b"II*\0": "<", b"MM\0*": ">"}[data[:4]]
        tags = {}
        (at,) = struct.unpack_from(order + "I", data, 4)
        (entries,) = struct.unpack_from(order + "H", data, at)
        for number in range(entries):
            tag, kind, count = struct.unpack_from(order + "HHI", data, at + 2 + 12 * number)
            size = {3: 2, 4: 4}.get(kind, 0) * count
            place = at + 10 + 12 * number
            if size:
                start = place if size <= 4 else struct.unpack_from(order + "I", data, place)[0]
                tags[tag] = struct.unpack_from(
                    "%s%d%s" % (order, count, "H" if kind == 3 else "I"), data, start
                )
        shape = (tags[256][0], tags[257][0], tags.get(277, (1,))[0], tags.get(259, (1,))[0], set(tags[258]))
        if shape != (width, height, channels, 1, set([8])):
            raise ValueError("shape %s" % (shape,))
        found = b"".join(data[start : start + size] for start, size in zip(tags[273], tags[279]))
    except (KeyError, IndexError, ValueError, struct.error):
        raise Failure(
            "The daemon's answer is not the picture that was asked for: update Vanisher and this plug-in."
        )
    if len(found) != width * height * channels:
        raise Failure("The daemon's answer is cut off: try again.")
    return bytearray(found)


# The daemon


def settings():
    """vanisher.json beside GIMP's own settings, as `vanisher gimp install` writes it."""
    try:
        with open(os.path.join(gimp.directory, "vanisher.json")) as file:
            values = json.load(file)
    except (IOError, OSError, ValueError):
        values = {}
    return values if isinstance(values, dict) else {}


class Daemon(object):
    """The daemon of this user; started when it does not run."""

    def __init__(self):
        values = settings()
        self.state = values.get("state") or os.path.expanduser(
            os.path.join("~", ".local", "state", "vanisher")
        )
        self.command = values.get("command")
        self.address = self._find() or self._start()

    def request(self, method, path, body=None, kind=None):
        """One answer: a dictionary if it is JSON, else its bytes."""
        headers = {"Authorization": "Bearer " + str(self.address["token"])}
        if kind:
            headers["Content-Type"] = kind
        connection = self._connect(self.address, ANSWER_SECONDS)
        try:
            connection.request(method, path, body, headers)
            response = connection.getresponse()
            data = response.read()
        except (EnvironmentError, httplib.HTTPException) as error:
            raise Failure("The Vanisher daemon does not answer (%s): start it with 'vanisher serve'." % error)
        finally:
            connection.close()
        if response.status >= 300:
            raise Failure(_sentence(data, response.status))
        if "json" in (response.getheader("Content-Type") or ""):
            return json.loads(data.decode("utf-8"))
        return data

    def _connect(self, address, seconds):
        return httplib.HTTPConnection(str(address["host"]), int(address["port"]), timeout=seconds)

    def _find(self):
        """The address of a daemon that answers and is Vanisher's; None if there is none."""
        try:
            with open(os.path.join(self.state, "daemon.json")) as file:
                address = json.load(file)
            connection = self._connect(address, 5.0)
            connection.request("GET", "/healthz")
            health = json.loads(connection.getresponse().read().decode("utf-8"))
            connection.close()
            version = str(health["version"])
        except (EnvironmentError, ValueError, KeyError, TypeError, httplib.HTTPException):
            return None
        if version.split(".")[0] != VERSION.split(".")[0]:
            raise Failure(
                "The daemon is Vanisher %s, this plug-in is for %s: run 'vanisher gimp install'."
                % (version, VERSION)
            )
        return address

    def _start(self):
        if not self.command:
            raise Failure(
                "No Vanisher daemon runs: start it with 'vanisher serve', or run 'vanisher gimp install' once."
            )
        gimp.progress_init("Starting Vanisher ...")
        environment = dict((name, value) for name, value in os.environ.items() if name not in FOREIGN)
        options = {"creationflags": 0x00000008} if os.name == "nt" else {"preexec_fn": os.setsid}
        null = open(os.devnull, "r+b")
        try:
            subprocess.Popen(self.command, stdin=null, stdout=null, stderr=null, env=environment, **options)
        except EnvironmentError as error:
            raise Failure(
                "%s does not start (%s): run 'vanisher gimp install' again."
                % (self.command[0], error.strerror)
            )
        finally:
            null.close()
        end = time.time() + START_SECONDS
        while time.time() < end:
            address = self._find()
            if address is not None:
                return address
            gimp.progress_update(1 - (end - time.time()) / START_SECONDS)
            time.sleep(POLL_SECONDS)
        raise Failure(
            "'%s' did not start a daemon within %d seconds: run it in a terminal to see why."
            % (" ".join(self.command), START_SECONDS)
        )

    def work(self, fields, files):
        """Queues a job, follows it and gives its result; whatever goes wrong here, the job is dropped."""
        kind, body = form(fields, files)
        name = str(self.request("POST", "/v1/jobs", body, kind)["id"])
        try:
            return self._follow("/v1/jobs/" + name)
        finally:
            try:
                self.request("DELETE", "/v1/jobs/" + name)
            except Failure:
                pass

    def _follow(self, path):
        end = time.time() + JOB_SECONDS
        while time.time() < end:
            job = self.request("GET", path)
            gimp.progress_update(min(max(float(job["progress"]), 0.0), 1.0))
            if job["state"] == "done":
                return self.request("GET", path + "/result")
            if job["state"] in ("failed", "cancelled"):
                raise Failure(_text((job["problem"] or {}).get("detail", "The job was cancelled.")))
            time.sleep(POLL_SECONDS)
        raise Failure("The daemon did not finish within %d minutes." % (JOB_SECONDS / 60))


def _text(value):
    """A str of either Python out of JSON's text."""
    return value if isinstance(value, str) else value.encode("utf-8")


def _sentence(data, status):
    try:
        return _text(json.loads(data.decode("utf-8"))["detail"])
    except (ValueError, KeyError, TypeError, AttributeError):
        return (
            "What answers at the daemon's address is not Vanisher (status %d): end it, then try again."
            % status
        )


def form(fields, files):
    """Content type and body of a multipart form (RFC 7578)."""
    boundary = "vanisher-" + "".join("%02x" % byte for byte in bytearray(os.urandom(16)))
    body = b""
    for name, value in fields:
        head = '--%s\r\nContent-Disposition: form-data; name="%s"\r\n\r\n%s\r\n' % (boundary, name, value)
        body += head.encode("ascii")
    for name, data in files:
        head = '--%s\r\nContent-Disposition: form-data; name="%s"; filename="%s"\r\n' % (boundary, name, name)
        body += (head + "Content-Type: application/octet-stream\r\n\r\n").encode("ascii") + data + b"\r\n"
    return "multipart/form-data; boundary=" + boundary, body + ("--%s--\r\n" % boundary).encode("ascii")


# The picture in GIMP


def check(drawable):
    """Says why a drawable cannot be worked on."""
    if not pdb.gimp_item_is_layer(drawable):
        raise Failure("This is a mask or a channel, no picture: click the layer itself, then try again.")
    if pdb.gimp_item_is_group(drawable):
        raise Failure(
            "This is a layer group: choose one layer in it, or make one with Layer > New from Visible."
        )
    if drawable.is_indexed:
        raise Failure("The image is indexed: choose Image > Mode > RGB, then try again.")


def box_of(image, drawable, whole):
    """The part to send, in the layer's pixels: left, top, width, height."""
    if whole:
        return 0, 0, drawable.width, drawable.height
    hit, x, y, width, height = pdb.gimp_drawable_mask_intersect(drawable)
    if pdb.gimp_selection_is_empty(image) or not hit or width <= 0 or height <= 0:
        raise Failure("Nothing of this layer is selected: select what shall vanish, then try again.")
    around = 192 + max(width, height)
    left, top = max(x - around, 0), max(y - around, 0)
    right, bottom = min(x + width + around, drawable.width), min(y + height + around, drawable.height)
    return left, top, right - left, bottom - top


def read(drawable, left, top, width, height):
    """8-bit samples of a part of a drawable."""
    region = drawable.get_pixel_rgn(left, top, width, height, False, False)
    return bytearray(region[left : left + width, top : top + height])


def selected(image, drawable, box):
    """The selection over a part of a layer, 0 beyond the canvas: one byte a pixel."""
    left, top, width, height = box
    across, down = drawable.offsets
    x0, y0 = max(left + across, 0), max(top + down, 0)
    x1, y1 = min(left + across + width, image.width), min(top + down + height, image.height)
    found = bytearray(width * height)
    if x1 > x0 and y1 > y0:
        inside = read(image.selection, x0, y0, x1 - x0, y1 - y0)
        for row in range(y1 - y0):
            start = (y0 - top - down + row) * width + x0 - left - across
            found[start : start + x1 - x0] = inside[row * (x1 - x0) : (row + 1) * (x1 - x0)]
    return found


def changed(before, after, chosen, width, channels):
    """A layer mask: 255 where the fill changed something or the selection is at least half, else 0."""
    mask = bytearray(255 if value > 127 else 0 for value in chosen)
    row = width * channels
    for start in range(0, len(before), row):
        old, new = before[start : start + row], after[start : start + row]
        first = start // channels
        if old != new:
            for x in range(width):
                if old[x * channels : (x + 1) * channels] != new[x * channels : (x + 1) * channels]:
                    mask[first + x] = 255
    return mask


def place(image, drawable, box, samples, mask):
    """Puts the result above the layer, as one undo step."""
    left, top, width, height = box
    across, down = drawable.offsets
    pdb.gimp_image_undo_group_start(image)
    try:
        layer = gimp.Layer(image, "Vanished", width, height, drawable.type, 100, LAYER_MODE_NORMAL)
        parent = pdb.gimp_item_get_parent(drawable)
        pdb.gimp_image_insert_layer(image, layer, parent, pdb.gimp_image_get_item_position(image, drawable))
        layer.set_offsets(left + across, top + down)
        write(layer, width, height, samples)
        cover = layer.create_mask(ADD_MASK_BLACK)
        layer.add_mask(cover)
        write(cover, width, height, mask)
        pdb.gimp_layer_set_edit_mask(layer, False)
    finally:
        pdb.gimp_image_undo_group_end(image)
    gimp.displays_flush()


def write(drawable, width, height, samples):
    """Fills a drawable with 8-bit samples."""
    region = drawable.get_pixel_rgn(0, 0, width, height, True, False)
    region[0:width, 0:height] = bytes(samples)
    drawable.flush()
    drawable.update(0, 0, width, height)


def vanish(image, drawable, fields, whole, uses_selection):
    """The one way that all procedures go."""
    try:
        check(drawable)
        box = box_of(image, drawable, whole)
        daemon = Daemon()
        gimp.progress_init("Vanishing ...")
        _, _, width, height = box
        before = read(drawable, box[0], box[1], width, height)
        channels = len(before) // (width * height)
        chosen = selected(image, drawable, box) if uses_selection else bytearray(width * height)
        files = [("image", tiff_of(before, width, height, channels))]
        if uses_selection:
            files.append(("mask", tiff_of(chosen, width, height, 1)))
        asked = fields + [("format", "tiff"), ("priority", "interactive")]
        after = samples_of(daemon.work(asked, files), width, height, channels)
        mask = changed(before, after, chosen, width, channels)
        if not any(mask):
            raise Failure("Nothing to erase was found in this layer.")
        place(image, drawable, box, after, mask)
    except Failure as failure:
        pdb.gimp_message("Vanisher: %s" % failure)
        raise


def vanish_selection(image, drawable, grow=AUTOMATIC, model=0):
    """Erases what is selected."""
    fields = [("kind", "erase"), ("model", MODELS[int(model)])]
    if int(grow) >= 0:
        fields.append(("grow", int(grow)))
    vanish(image, drawable, fields, whole=False, uses_selection=True)


def vanish_selection_now(image, drawable):
    """The same without a question."""
    vanish_selection(image, drawable)


def vanish_people(image, drawable):
    """Erases every person; needs no selection."""
    vanish(image, drawable, [("kind", "erase"), ("remove", "person")], whole=True, uses_selection=False)


def vanish_panorama(image, drawable):
    """Erases what is selected on an equirectangular picture; with no selection, furniture."""
    by_hand = not pdb.gimp_selection_is_empty(image)
    fields = [("kind", "panorama")] if by_hand else [("kind", "panorama"), ("remove", "furniture")]
    vanish(image, drawable, fields, whole=True, uses_selection=by_hand)


def register(name, text, label, options, function):
    """Adds a procedure to Filters > Vanisher."""
    inputs = [(gimpfu.PF_IMAGE, "image", "Image", None), (gimpfu.PF_DRAWABLE, "drawable", "Layer", None)]
    gimpfu.register(
        "python-fu-" + name, text, text + " Runs on this computer, in the Vanisher daemon.", "The Vanisher authors",
        "Apache-2.0", "2026", label, "*", inputs + options, [], function, menu="<Image>/Filters/Vanisher",
    )  # fmt: skip


register(
    "vanisher-selection",
    "Erases what is selected, on a new layer.",
    "Vanish selection...",
    [
        (gimpfu.PF_SPINNER, "grow", "Grow the selection (pixels; -1: by itself)", AUTOMATIC, (-1, 2000, 1)),
        (gimpfu.PF_OPTION, "model", "Fill by", 0, MODELS),
    ],
    vanish_selection,
)
register(
    "vanisher-selection-now",
    "Erases what is selected, on a new layer.",
    "Vanish selection",
    [],
    vanish_selection_now,
)
register(
    "vanisher-people",
    "Finds and erases every person.",
    "Vanish people",
    [],
    vanish_people,
)
register(
    "vanisher-panorama",
    "Erases the selection, or furniture, from a 360-degree picture.",
    "Vanish in panorama",
    [],
    vanish_panorama,
)

gimpfu.main()
