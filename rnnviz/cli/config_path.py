"""Where the config file is."""

from __future__ import annotations

from pathlib import Path


def config_path() -> Path:
    """The path of the config file, which may not exist."""
    import platformdirs

    return Path(platformdirs.user_config_dir("rnnviz")) / "config.toml"
