"""Which of a file's assumptions and conversions are about one of its nets."""

from __future__ import annotations

from rnnviz.interop.assembly import ImportableNet
from rnnviz.interop.contents import Assumption, ModelContents


def assumptions_of(contents: ModelContents, net: ImportableNet) -> tuple[Assumption, ...]:
    """The assumptions on a net: those that name no operation are about all nets."""
    found = []
    for each in contents.assumptions:
        text = each.what
        if " → " in each.value:  # how layers follow each other
            text += f" {each.value}"
        if _concerns({word.strip(",:;") for word in text.split()}, contents, net):
            found.append(each)
    return tuple(found)


def conversions_of(contents: ModelContents, net: ImportableNet) -> tuple[str, ...]:
    """The conversions of a net's arrays, "lstm_1: transposed"; those of no operation are all's."""
    found = []
    for each in contents.conversions:
        place = each.partition(": ")[0]
        if _concerns({place, *place.split(", ")}, contents, net):
            found.append(each)
    return tuple(found)


def _concerns(words: set[str], contents: ModelContents, net: ImportableNet) -> bool:
    """Whether words name an operation of the net, or no operation at all."""
    named = words & {operation.name for operation in contents.operations}
    return not named or not named.isdisjoint(net.operations)
