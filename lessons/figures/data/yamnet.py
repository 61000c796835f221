"""The spectrogram that YAMNet computes of the lecture's clip: speech, then whistling."""

from course_utils import audio, models

from . import real, save_strip

if __name__ == "__main__":
    models.start_tensorflow()
    import tensorflow_hub as hub

    yamnet = hub.load(str(real("yamnet").path))
    waveform = audio.load(real("speech-whistling").path, models.YAMNET_RATE)
    _, _, log_mel = yamnet(waveform)
    save_strip(log_mel.numpy(), "speech_whistling")  # 528 frames: 5 s, and the padding
