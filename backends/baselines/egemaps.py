"""eGeMAPSv02 functionals of a clip, by openSMILE: 88 numbers about pitch, loudness, spectrum, voice quality, tempo.

Eyben et al. (2016), The Geneva Minimalistic Acoustic Parameter Set (GeMAPS) for Voice Research and Affective
Computing, IEEE Transactions on Affective Computing 7(2). openSMILE is under the audEERING Research License
Agreement, which does not allow commercial use.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from sv_eval.errors import ModelError
from sv_eval.records import SAMPLE_RATE_HZ

LICENCE = "audEERING Research License Agreement (openSMILE): no commercial use"
"""What a report says about the features' terms."""
DIMENSIONS = 88
"""How many functionals there are."""
_FRAME = 960
"""The longest frame that a descriptor looks at, 60 ms in samples: below it there are no functionals."""
_FULL_SCALE = np.float32(32767 / 32768)


class Functionals:
    """openSMILE, set up for eGeMAPSv02 functionals; for one thread at a time."""

    def __init__(self) -> None:
        try:
            import opensmile
        except ImportError as error:
            raise ModelError(
                f"this baseline needs openSMILE ({error}): pip install 'sv-eval[egemaps]'; its licence does "
                "not allow commercial use"
            ) from error
        self.version = str(opensmile.__version__)
        self._smile: Any = opensmile.Smile(
            feature_set=opensmile.FeatureSet.eGeMAPSv02, feature_level=opensmile.FeatureLevel.Functionals
        )

    def of(self, samples: NDArray[np.float32]) -> NDArray[np.float64] | None:
        """The functionals of mono samples at 16 kHz; None for a clip shorter than the longest frame."""
        if len(samples) < _FRAME:
            return None
        # openSMILE turns samples into 16-bit integers without a limit, so that a full scale of 1 would become -1.
        limited = np.clip(samples, -1.0, _FULL_SCALE)
        values = np.asarray(self._smile(limited, SAMPLE_RATE_HZ), dtype=np.float64).reshape(-1)
        return values if np.isfinite(values).all() else None
