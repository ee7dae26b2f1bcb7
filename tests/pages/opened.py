"""A page of the app, opened by a link, and what it says."""

from functools import cache
from pathlib import Path
from typing import Any

from streamlit.components.v2.component_manager import BidiComponentManager
from streamlit.testing.v1 import AppTest

from tests.patience import PATIENCE_SECONDS

ROOT = Path(__file__).parents[2]


def open_page(page: str | None = None, **query: Any) -> AppTest:
    """The app at one of `pages/`, or where it begins."""
    app = AppTest.from_file(str(ROOT / "streamlit_app.py"), default_timeout=PATIENCE_SECONDS)
    app._bidi_component_manager = _components()
    for name, value in query.items():
        app.query_params[name] = value
    if page:
        app.switch_page(f"pages/{page}.py")
    return app.run()


@cache
def _components() -> BidiComponentManager:
    """No components; every AppTest would search all that is installed for some, for 80 ms."""
    return BidiComponentManager()


def text_of(app: AppTest) -> str:
    kinds = (app.subheader, app.markdown, app.caption, app.warning, app.info, app.error)
    return "\n".join(str(each.value) for kind in kinds for each in kind)


def allow_typed(app: AppTest, key: str, path: str) -> AppTest:
    """Let the selectbox hold a value that was typed or linked: AppTest knows its options alone."""
    app.selectbox(key=key).options.append(path)
    return app


def open_path(path: str, page: str | None = None, *, key: str = "data", **query: Any) -> AppTest:
    """A page with the path of a link, opened by the click that it waits for."""
    app = allow_typed(open_page(page, **{key: path}, **query), key, path)
    return app.button(key=f"open-{key}").click().run()
