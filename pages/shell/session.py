"""Session state: no other file reads or sets it. What can be linked is in the URL, not here."""

from collections.abc import Hashable, Iterable, Sequence

import streamlit as st


def clicked_point(chart: str) -> tuple[str, str] | None:
    """What the point clicked in the Plotly chart with this key stands for, across and down."""
    points = st.session_state[chart].selection.points
    return (str(points[0]["x"]), str(points[0]["y"])) if points else None


def clicked_row(table: str) -> int | None:
    """The row chosen in the table with this key."""
    rows = st.session_state[table].selection.rows
    return int(rows[0]) if rows else None


def choose(**choices: str | int | list[str]) -> None:
    """Set widgets by their keys, as if a person had; from a callback, or before they are made."""
    for key, value in choices.items():
        st.session_state[key] = value


def choose_next(**choices: str | float | None) -> None:
    """Set widgets by their keys when the page is drawn next, by `apply_next_choices`."""
    st.session_state["next-choices"] = choices


def apply_next_choices() -> frozenset[str]:
    """Set what `choose_next` left; the keys. Call it before the widgets are made."""
    choices = st.session_state.pop("next-choices", {})
    for key, value in choices.items():
        st.session_state[key] = value
    return frozenset(choices)


def remember_started(plan: Hashable, run_ids: Sequence[str]) -> None:
    """Keep what was started last, so that the same plan is not started twice by mistake."""
    st.session_state["started"] = (plan, tuple(run_ids))
    st.session_state["starts"] = count_starts() + 1


def list_started(plan: Hashable) -> tuple[str, ...]:
    """Ids of the runs that were started last, when they were started from this plan."""
    former, run_ids = st.session_state.get("started", (None, ()))
    return run_ids if former == plan else ()


def count_starts() -> int:
    """How many times runs were started in this tab."""
    return int(st.session_state.get("starts", 0))


def open_view(title: str) -> None:
    """Choose the view of the details where none is chosen yet; before its widget is made."""
    if not st.session_state.get("view"):
        st.session_state["view"] = title


def has_value(key: str) -> bool:
    """Whether the widget with this key has been drawn in this session."""
    return key in st.session_state


def carry_switch(key: str) -> None:
    """Turn the switch on where it was on, on another page of this session; before it is made.

    A link between two pages that both have a switch cannot bring its value: Streamlit drops it, and
    gives the switch its default though its state still says that it was on.
    """
    is_said = key in st.query_params or st.session_state.get(key) is False
    if st.session_state.get(f"{key}-carried") and not is_said:
        st.session_state[key] = True


def remember_switch(key: str, is_on: bool) -> None:
    """Keep the state of the switch for the next page that calls `carry_switch`."""
    st.session_state[f"{key}-carried"] = is_on


def remember_address(page: str) -> None:
    """Keep the choices in the address of a page, as its script leaves them."""
    query = {key: st.query_params.get_all(key) for key in st.query_params}
    st.session_state[f"{page}-address"] = query


def address_left(page: str) -> dict[str, list[str]]:
    """Choices of the page as a person left it for another one; call it when the page begins.

    None where the page was there just before, or where a link says what it shall show.
    """
    before = st.session_state.get("page", page)
    st.session_state["page"] = page
    if before == page or len(st.query_params):
        return {}
    found: dict[str, list[str]] = st.session_state.get(f"{page}-address", {})
    return found


def count_clicks(into: str) -> int:
    """How many clicks on a chart went into this choice: each is answered by a new chart."""
    return int(st.session_state.get(f"{into}-clicks", 0))


def toggle_clicked_number(chart: str, *, clicks: int, into: str) -> None:
    """Put the clicked point's number into the choice `into`, or take it out; from a callback.

    The browser may send the selection of a chart that is gone once more, beside the new one's:
    only the chart drawn after `clicks` clicks counts, and only once.
    """
    points = st.session_state[chart].selection.points
    if points and clicks == count_clicks(into):
        st.session_state[f"{into}-clicks"] = clicks + 1
        number = int(points[0]["customdata"][0])
        st.session_state[into] = sorted(set(st.session_state[into]) ^ {number})


def put_events(component: str) -> None:
    """Keep what the component with this key just told, each once; from its callback.

    It tells its last events again with each new one, as (serial, name, value), since the browser
    sends only the newest of those that happen while a page is drawn.
    """
    told = st.session_state[component].get("events")
    heard = st.session_state.get(f"{component}-heard", 0)
    for event in told if isinstance(told, list) else []:
        match event:
            case [int(serial), str(name), value] if serial > heard:
                heard = serial
                st.session_state.setdefault(f"{component}-events", []).append((name, value))
    st.session_state[f"{component}-heard"] = heard


def take_events(component: str) -> list[tuple[str, object]]:
    """Names and values of what `put_events` kept, oldest first, each once."""
    events: list[tuple[str, object]] = st.session_state.get(f"{component}-events", [])
    st.session_state[f"{component}-events"] = []
    return events


def accept_path(path: str) -> None:
    """Let a path be opened in this session."""
    st.session_state["accepted-paths"] = {*st.session_state.get("accepted-paths", ()), path}


def accept_typed_path(key: str) -> None:
    """Let the path that a person chose in this widget be opened; from its callback."""
    if path := st.session_state[key]:
        accept_path(path)


def is_path_accepted(path: str) -> bool:
    """Whether a person chose this path, or said that it may be opened."""
    return path in st.session_state.get("accepted-paths", ())


def rerun_page() -> None:
    """Run the page again, as a step of what it is doing and not as an answer to a person."""
    st.session_state["is-again"] = True
    st.rerun()


def let_clicks_in() -> None:
    """Give way to what a person does, while the page waits: every look at the state does."""
    st.session_state.get("is-again")


def begin_page() -> None:
    """Forget what was said of the last link, unless the page runs again by itself."""
    if not st.session_state.pop("is-again", False):
        st.session_state["said-of-link"] = {}


def keep_said(key: str, sentences: Sequence[tuple[str, str]]) -> Sequence[tuple[str, str]]:
    """The sentences on a choice of the link, or those of the run before that goes on.

    Streamlit takes a value that cannot be chosen out of the address while the page runs first.
    """
    said: dict[str, Sequence[tuple[str, str]]] = st.session_state.setdefault("said-of-link", {})
    if sentences:
        said[key] = sentences
    return said.get(key, ())


def carry_image(name: str, content: bytes) -> None:
    """Keep an image that a person gave, so that another page of this session shows it."""
    st.session_state["carried-image"] = (name, content)


def carried_image() -> tuple[str, bytes] | None:
    """Name and content of the image that was given on another page; None: there is none."""
    carried: tuple[str, bytes] | None = st.session_state.get("carried-image")
    return carried


def drop_carried_image() -> None:
    """Forget it; other images are shown again."""
    st.session_state.pop("carried-image", None)


def replace_work(keys: Iterable[Hashable]) -> set[Hashable]:
    """Remember what this tab has asked to be computed; returns what it had asked for before."""
    before: set[Hashable] = st.session_state.get("work", set())
    st.session_state["work"] = set(keys)
    return before


def stop_work(asked: Hashable) -> None:
    """Begin nothing more of what is asked; from a callback."""
    st.session_state["stopped"] = asked


def go_on() -> None:
    """Begin what was stopped; from a callback."""
    st.session_state.pop("stopped", None)


def is_stopped(asked: Hashable) -> bool:
    """Whether a person has stopped what is asked; any other choice goes on."""
    return bool(st.session_state.get("stopped") == asked)


def masked_cells() -> set[int]:
    """Numbers of the cells that are masked, as the page last had them."""
    return set(st.session_state.get("erased") or ())


def toggle_masked_cell(number: int) -> None:
    """Mask a cell or show it again; before the widget of the masked cells is made."""
    st.session_state["erased"] = sorted(masked_cells() ^ {number})
