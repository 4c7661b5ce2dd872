"""The ways to reach a model: fake, onnx, and what SenseVoice itself defines."""
