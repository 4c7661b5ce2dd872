"""What corpora and services call the emotions: one list, so that a word means the same on both sides.

Words that are finer than the seven (calm, disappointed, anxious, ...) are those of `sv_eval.finer_words`. Case and
blanks around a word do not matter. No single Latin letters: F is joy in one corpus and fear in the next.
"""

from __future__ import annotations

from collections.abc import Mapping

from sv_eval.emotions import OTHER, UNKNOWN

COMMON_VERSION = 2
"""Raised with every change: it stands in reports beside the hash of the words."""
_WORDS = {
    "happy": "happy happiness happily joy joyful joyous cheerful glad hap 高兴 开心 快乐 喜悦 愉快 喜",
    "sad": "sad sadness sorrow sorrowful 难过 悲伤 伤心 悲 哀",
    "angry": "angry anger mad ang rage furious 生气 愤怒 怒",
    "neutral": "neutral neutrality neu normal neutre 中立 中性 平静 平淡",
    "fearful": "fearful fear afraid scared fea 恐惧 害怕 恐 惧",
    "disgusted": "disgusted disgust dis 厌恶 恶心 反感",
    "surprised": "surprised surprise sur astonished 吃惊 惊讶 惊喜 惊奇 惊",
    OTHER: "other others confused 其他 其它",
    UNKNOWN: "unknown unk <unk> emo_unknown emotion_unknown undefined 未知",
}
COMMON_WORDS: Mapping[str, str] = {word: emotion for emotion, words in _WORDS.items() for word in words.split()}
"""Word in lower case to an emotion, `other` or `unknown`."""


if __name__ == "__main__":
    print(f"sv_eval.common_words is no command, but for programs: import sv_eval.common_words\n\n{__doc__}")
