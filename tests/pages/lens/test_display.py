from dataclasses import asdict

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pages.lens.display import CHOICES, Display, read_display, write_display

DISPLAYS = st.builds(
    Display,
    **{name: st.sampled_from(values) for name, values in CHOICES.items()},
    opacity=st.integers(0, 20).map(lambda steps: round(0.05 * steps, 2)),
    contours=st.booleans(),
    outlines=st.booleans(),
    grid=st.booleans(),
    zoom=st.none()
    | st.tuples(st.integers(0, 5000), st.integers(0, 5000), st.integers(1, 64)).map(
        lambda place: tuple(map(float, place))
    ),
)


@given(DISPLAYS)
def test_an_address_opens_the_display_that_wrote_it(display: Display) -> None:
    assert read_display(write_display(display)) == (display, ())


@given(DISPLAYS)
def test_what_a_browser_sends_as_json_is_read_too(display: Display) -> None:
    assert read_display(asdict(display)) == (display, ())


def test_only_what_differs_is_in_the_address() -> None:
    assert write_display(Display()) == {}
    assert write_display(Display(opacity=0.35, grid=True)) == {"opacity": "0.35", "grid": "1"}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("view", "sideways"),
        ("view", ["over"]),
        ("opacity", "2"),
        ("opacity", "nan"),
        ("opacity", None),
        ("contours", "perhaps"),
        ("zoom", "1,2"),
        ("zoom", "1,2,inf"),
        ("zoom", {"x": 1}),
        ("zoom", 7),
    ],
)
def test_what_is_no_choice_is_said_and_the_rest_is_shown(name: str, value: object) -> None:
    display, refused = read_display({name: value, "colours": "magma"})

    assert display == Display(colours="magma")
    assert len(refused) == 1
    assert refused[0].startswith(f"{name}=")


def test_other_names_in_an_address_are_not_its_own() -> None:
    assert read_display({"run": "x", "image": "y"}) == (Display(), ())
