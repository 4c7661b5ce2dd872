"""The recipe of the bundled tiny SenseVoice model (`python -m sv_eval.backends.sensevoice.training --help`).

Needs torch, funasr, kaldi-native-fbank, sentencepiece, onnx, onnxruntime, scikit-learn and soundfile; nothing else
in the package imports it.
"""
