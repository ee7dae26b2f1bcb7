"""Which backbones can be built on this machine: all but those whose package is not installed."""

from importlib.util import find_spec

from modelzoo.backbones.table import BACKBONES

BUILT_HERE = [row.name for row in BACKBONES.values() if not row.requires or find_spec(row.requires)]
