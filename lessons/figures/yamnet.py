"""Lesson 2: how YAMNet hears."""

from .shapes import BLUE, GREY, ORANGE, Picture, drawing

CLIP, PADDED = 5.0, 5.28  # seconds of the clip, and with its padding
WINDOW, HOP, N_WINDOWS = 0.96, 0.48, 10


@drawing(height=300)
def yamnet_windows(picture: Picture) -> None:
    """How YAMNet cuts a clip of 5 seconds into windows.

    At the top is the spectrogram of the clip, speech and then whistling. Below it, ten windows are drawn as bars on two
    rows. Each window is 0.96 seconds long, and a new one begins every 0.48 seconds, so each overlaps half of the next.
    The tenth and last window begins at 4.32 seconds and ends at 5.28, beyond the end of the clip: the missing part is
    filled with zeros.
    """
    left, width = 20, 600
    scale = width / PADDED
    end = left + CLIP * scale
    picture.strip((left, 30, width, 110), "speech_whistling.png")
    picture.axis((left, 30, width, 110), 0, PADDED, 1, "")
    picture.text((left, 14), "the clip, 5 s", anchor="start")
    picture.line((end, 22), (end, 250), dashed=True)
    picture.text((end - 6, 14), "it ends here", anchor="end")

    def window(i: int) -> None:
        start, y = left + i * HOP * scale, 186 + 36 * (i % 2)
        picture.box((start + 1, y, WINDOW * scale - 2, 30), str(i + 1), colour=ORANGE if i == N_WINDOWS - 1 else BLUE)

    with picture.step("one window"):
        window(0)
        picture.bracket(left, left + WINDOW * scale, 264, "0.96 s", above=False)
    with picture.step("the next begins 0.48 s later"):
        window(1)
    with picture.step("all windows"):
        for i in range(2, N_WINDOWS):
            window(i)
    with picture.step("padding"):
        picture.box((end, 186, (PADDED - CLIP) * scale, 66), colour=GREY, edge=False)
        picture.text((left + width, 276), "the last one is padded with zeros", colour=ORANGE, anchor="end")
