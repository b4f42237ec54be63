"""What a person selected in a chart, of which nothing is taken on trust."""

from collections.abc import Mapping


def selected_places(event: object, count: int) -> list[int]:
    """The places of the selected points among those that were drawn, `count` in all.

    `event` is what the chart returned, or what the session holds of it.
    """
    selection = event.get("selection") if isinstance(event, Mapping) else None
    places = selection.get("point_indices") if isinstance(selection, Mapping) else None
    if not isinstance(places, list):
        return []
    return [place for place in places if type(place) is int and 0 <= place < count]
