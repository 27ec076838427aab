"""What is loaded stays loaded."""

import gc

_ROOM = 50_000  # objects: some 8 MiB of what only the collector can free


def spare_what_is_loaded() -> None:
    """Have the garbage collector look at what comes from now on, and not again and again at all that is loaded; and
    less often.

    Under load many events are in flight, and each full collection would walk through a million objects of libraries
    that are never freed: a third of the CPU of an event. A collection after each 700 objects, Python's default, is one
    for each event, and finds all the others still in use: another third. For the end of NoneBot's start-up; takes
    0.1 s. Thresholds that somebody has set, and a collector that is off, stay as they are.
    """
    gc.collect()
    gc.freeze()
    youngest, *older = gc.get_threshold()
    if 0 < youngest < _ROOM:
        gc.set_threshold(_ROOM, *older)
