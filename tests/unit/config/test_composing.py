"""What commands with a command line of their own refuse of Hydra's."""

from __future__ import annotations

import pytest

from sv_eval.config.composing import composed
from sv_eval.errors import ConfigError


@pytest.mark.parametrize("word", ["hydra.run.dir=somewhere", "++hydra.sweep.dir=somewhere"])
@pytest.mark.parametrize("main", ["capacity", "tune", "suite", "serve", "corpus"])
def test_a_directory_of_hydras_is_refused_and_the_right_key_named(main: str, word: str) -> None:
    with pytest.raises(ConfigError, match=r"hydra\.(run|sweep)\.dir: means nothing .* out=DIR"):
        composed(main, [word])
