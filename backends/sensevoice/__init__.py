"""What SenseVoice itself defines, shared by every backend that runs it in process: front end, slots, files."""
