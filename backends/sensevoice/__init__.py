"""What SenseVoice itself defines, shared by the backends that run it in process."""
