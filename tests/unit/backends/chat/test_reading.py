"""Answers of chat models: what is one, and what is none."""

from __future__ import annotations

import random
import unicodedata

import pytest

from sv_eval.backends.chat.protocol import protocol_of
from sv_eval.backends.chat.reading import HEDGED, REFUSED, UNPARSED, read_answer

LETTERS, WORD, JSON = (protocol_of(f"{form}_en") for form in ("letters", "word", "json"))
ZH_LETTERS, ZH_WORD, ZH_JSON = (protocol_of(f"{form}_zh") for form in ("letters", "word", "json"))
ORDER = tuple(LETTERS.options)
ALL = (LETTERS, WORD, JSON, ZH_LETTERS, ZH_WORD, ZH_JSON)


@pytest.mark.parametrize(
    ("protocol", "answer", "emotion"),
    [
        *((LETTERS, one, "sad") for one in ("B", "b.", "(B)", "**B**", "B. sad", "b) Sadness", "Answer: B",
            "[B]")),
        *((LETTERS, one, "angry") for one in ("The answer is C.", "Option C", "The correct option is: C",
            "\uff23")),
        (LETTERS, "D: neutral tone", "neutral"),
        (LETTERS, "B sad", "sad"),
        (WORD, "There is a hint of sadness, but overall the tone is neutral.", "neutral"),
        (WORD, "The voice conveys a sense of fear, with trembling.", "fearful"),
        (LETTERS, "The answer is (B) because the voice trembles.", "sad"),
        (LETTERS, "I think the answer is B, since she sounds sad.", "sad"),
        *((WORD, one, "angry") for one in ("I'd say anger.", "Angry (90 %)", "Emotion: angry\nConfidence: 0.8",
                                           "angry, angry!!")),
        (LETTERS, "The speaker sounds sad.", "sad"),
        *((WORD, one, "sad") for one in ("sad", " Sad.", '"Sad"', "SADNESS", "**sad**", "Emotion: sad",
            "sad<|im_end|>")),
        (WORD, "The speaker is not happy but sad.", "sad"),
        (WORD, "The tone is calm, which suggests a neutral emotion.", "neutral"),
        (WORD, "She says she is sad. Her tone is neutral.", "neutral"),
        (WORD, "<think>Is it happy? Or angry?</think>\n\nsad", "sad"),
        (JSON, '{"emotion": "sad"}', "sad"),
        (JSON, '```json\n{"emotion": "Sad"}\n```', "sad"),
        (JSON, '<think>{"emotion": "happy"}</think>{"emotion": "sad"}', "sad"),
        *((ZH_WORD, one, "happy") for one in ("开心", "开心。", "答案是：开心", "说话人听起来很开心。",
            "這個聲音很開心", "“高兴”")),
        (ZH_WORD, "说话者并不是开心，而是悲伤", "sad"),
        (ZH_WORD, "情绪是中性的，没有明显的愤怒", "neutral"),
        *((ZH_LETTERS, one, "angry") for one in ("C", "答案：C", "选项C", "C. 愤怒", "正确答案是C。")),
        (ZH_JSON, '{"emotion": "悲伤"}', "sad"),
    ],
)  # fmt: skip
def test_what_names_one_emotion_is_an_answer(protocol, answer, emotion) -> None:
    found = read_answer(answer, protocol, ORDER)

    assert (found.emotion, found.why) == (emotion, None)
    assert found.word is not None


@pytest.mark.parametrize(
    ("protocol", "answer", "why"),
    [
        (LETTERS, "The answer is B because she is angry.", HEDGED),
        *((LETTERS, one, UNPARSED) for one in (
            "The answer is not B.", "Not option B", "I don't think the answer is B",
        )),
        (LETTERS, "A choice between A and B.", UNPARSED),
        (LETTERS, "I cannot determine it, option A or whichever", REFUSED),
        *((LETTERS, one, HEDGED) for one in ("A or B", "A, B", "A/C", "B. happy", "(A) and (D)")),
        *((LETTERS, one, UNPARSED) for one in ("H", "Z.", "", " ", "?", "1", "Not A", "letter")),
        *((WORD, one, HEDGED) for one in ("happy or sad", "The voice is both happy and sad.",
            "angry and disgusted, I feel")),
        *((WORD, one, UNPARSED) for one in (
            "not happy", "The speaker isn't happy", "Is the speaker happy?", "anything but happy",
                "a lack of joy in the voice",
            "If the speaker were happy, the voice would be bright", "The speaker doesn't sound angry at all.",
            "The word happy is said", "on je sad ovde", "<think>the speaker is happy", "content", "happyish",
                "mad",
            "The speaker is happy or excited.", "It is neither.", "jeg er glad og ikke mad",
        )),
        *((WORD, one, REFUSED) for one in (
            "I'm sorry, but I can't listen to audio.",
                "As an AI I cannot say whether it is happy. Emotions like sad exist.",
            "I am unable to determine the emotion.", "There is no audio, please upload it.",
        )),
        *((JSON, one, why) for one, why in (
            ('{"emotion": ["sad", "happy"]}', HEDGED), ('{"emotion": null}', UNPARSED),
                ('{"emotion": "content"}', UNPARSED),
            ('{"emotion": 3}', UNPARSED), ('{"emotion": "I cannot determine it"}', REFUSED),
        )),
        *((ZH_WORD, one, UNPARSED) for one in ("不开心", "没有愤怒", "是开心吗？", "彼は悲しい、平静",
            "说话人是否愤怒", "没有什么情绪")),
        (ZH_WORD, "开心或悲伤", HEDGED),
        *((ZH_WORD, one, REFUSED) for one in ("无法判断", "抱歉，我没有收到音频。",
            "作为一个语言模型，我不能听到开心。")),
        (ZH_LETTERS, "A、B", HEDGED),
    ],
)  # fmt: skip
def test_what_does_not_is_none(protocol, answer, why) -> None:
    found = read_answer(answer, protocol, ORDER)

    assert (found.emotion, found.why) == (None, why)


FOREIGN = (
    "El tono de la voz es tranquilo y pausado.", "No puedo determinar la emoción del hablante, está al sur.",
    "La voix est dis-tante, sur un ton calme; neutre, sans doute.",
        "Die Stimme klingt neu und ruhig, nicht traurig.",
    "On je sad ovde, u sobi.", "Jeg har mad og er glad.", "Tha fear ag an doras.", "Ang tao ay masaya.",
    "O orador parece calmo e um pouco triste.", "Il parlante sembra arrabbiato.", "De spreker klinkt blij.",
    "Mówca jest w sad, owoce dojrzewają.", "Mluvčí zní smutně.", "Konuşmacı üzgün görünüyor.",
        "Диктор звучит грустно.",
    "Мовець звучить сумно.", "المتحدث يبدو حزينا", "הדובר נשמע עצוב", "वक्ता दुखी लगता है", "বক্তা দুঃখিত",
    "ผู้พูดฟังดูเศร้า", "Người nói có vẻ buồn.", "Pembicara terdengar sedih.",
        "話者は悲しそうで、怒りはありません。平静",
    "화자는 슬프게 들립니다.", "Ο ομιλητής ακούγεται λυπημένος.", "Puhuja kuulostaa surulliselta.",
        "A beszélő szomorú.",
)  # fmt: skip
DENIED = (
    "The speaker is not {w}.", "not {w}", "I would not call it {w}", "It isn't {w} at all", "no {w}", "never {w}",
    "Is it {w}?", "whether it is {w}", "neither {w}", "The voice is anything but {w}", "without {w}",
        "{w} or something",
    "As an AI, {w}", "I'm sorry, {w}", "I can't tell if {w}", "the word {w}", "un{w}x", "{w}ly-ish", "non-{w}",
    "<think>{w}", "if it were {w}", "the options, such as {w}", "cannot be {w}",
)  # fmt: skip
ZH_DENIED = (
    "不{w}",
    "没有{w}",
    "并不是{w}",
    "是{w}吗",
    "是否{w}",
    "如果{w}",
    "无法说{w}",
    "抱歉，{w}",
    "例如{w}",
    "毫无{w}",
    "非{w}",
)


def _unparsable(draw: random.Random) -> str:
    words = [word for protocol in (WORD, ZH_WORD) for word in protocol.options.values()]
    kind = draw.randrange(5)
    if kind == 0:
        return draw.choice(FOREIGN)
    if kind == 1:
        return " ".join(draw.sample(FOREIGN, draw.randrange(1, 4)))
    if kind == 2:
        return draw.choice(DENIED).format(w=draw.choice(words[:7]))
    if kind == 3:
        return draw.choice(ZH_DENIED).format(w=draw.choice(words[7:]))
    pool = "hijklmnopqrstuvwxyz0123456789 ?!.,;:-_()[]{}\"'<>|éüßøñçåжшяعשहअกกあん한글☺️\u200b\u202e\ud83d\ude00"
    return "".join(draw.choice(pool) for _ in range(draw.randrange(1, 60)))


def test_no_answer_without_an_emotion_becomes_one() -> None:
    draw = random.Random(20)
    for _ in range(15_000):
        answer = _unparsable(draw)
        if draw.random() < 0.2:
            answer = unicodedata.normalize(draw.choice(("NFD", "NFKC")), answer)
        for protocol in draw.sample(ALL, 2):
            found = read_answer(answer, protocol, ORDER)
            assert found.emotion is None, (protocol.name, answer, found)
            assert found.why in (UNPARSED, REFUSED, HEDGED)


def test_a_long_answer_is_read_in_no_time_and_to_a_bound() -> None:
    assert read_answer("x " * 10_000_000, WORD, ORDER).emotion is None
    assert read_answer("(" * 100_000 + "happy", WORD, ORDER).emotion is None
    assert read_answer("{" * 100_000, JSON, ORDER).emotion is None


def test_every_option_of_a_shipped_protocol_is_read_in_its_own_words() -> None:
    for protocol in ALL:
        for name, word in protocol.options.items():
            assert read_answer(word, protocol, ORDER).emotion == name
