"""The demo corpus's sentences: emotionally plain statements built from a small grammar, phrase by phrase.

Every sentence is a choice of one phrase per slot, so training and demo share words but never a sentence.
That keeps the words from giving the emotion away (as EmoDB and ESD do it) and still lets a tiny model learn
to spell some of what it hears.
"""

from __future__ import annotations

import hashlib
import itertools

# Slots, in the order in which they are spoken.
ENGLISH: tuple[tuple[str, ...], ...] = (
    ("the teacher", "my brother", "her neighbour", "our driver", "the doctor", "his sister", "a student"),
    ("put", "left", "found", "saw", "took", "lost"),
    ("the letter", "a green bag", "two books", "the keys", "an old map", "his coat", "seven tickets"),
    ("at the station", "in the kitchen", "by the window", "on monday", "after lunch", "today"),
)
MANDARIN: tuple[tuple[str, ...], ...] = (
    ("老师", "弟弟", "邻居", "司机", "医生", "姐姐", "学生"),
    ("今天", "早上", "昨天", "在车站", "在厨房", "星期一"),
    ("看见", "找到", "拿走", "忘了", "买到", "带来"),
    ("那封信", "两本书", "钥匙", "旧地图", "绿色的包", "外套", "七张票"),
)
SLOTS: dict[str, tuple[tuple[str, ...], ...]] = {"en": ENGLISH, "zh": MANDARIN}
# One sentence in this many is kept for the demo clips.
DEMO_SHARE = 6

Sentence = tuple[str, ...]


def sentences(language: str, part: str) -> list[Sentence]:
    """The sentences of a part (`train` or `demo`), as phrases; no sentence is in both."""
    chosen = []
    for phrases in itertools.product(*SLOTS[language]):
        digest = hashlib.sha256(" ".join(phrases).encode("utf-8")).digest()
        is_demo = digest[0] % DEMO_SHARE == 0
        if is_demo == (part == "demo"):
            chosen.append(phrases)
    return chosen


def transcript(language: str, phrases: Sentence) -> str:
    """What is said, as text: English with blanks, Mandarin without."""
    return (" " if language == "en" else "").join(phrases)
