"""The recipe of the bundled tiny SenseVoice model (`python -m backends.sensevoice.training --help`).

Needs torch, funasr, kaldi-native-fbank, sentencepiece, onnx, onnxruntime, scikit-learn and soundfile; nothing else
in the package imports it.
"""
