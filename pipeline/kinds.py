"""Every kind of finding, in the words that a report shows for it (msgids; translations in `pipeline/locale`)."""

KINDS: dict[str, str] = {
    "picture-cut": "The picture changes in a way no moving camera makes: two takes joined",
    "frozen-picture": "The picture stands still while time runs",
    "blank-picture": "The picture is black or covered while time runs",
    "timestamp-gap": "Presentation times jump forward: nothing is shown for a while",
    "timestamp-disorder": "Presentation times run backwards or repeat",
    "edit-list": "The container hides media that it holds",
    "header-mismatch": "The header's claims and the content disagree",
    "truncated": "The file is unfinished or its end is missing",
    "audio-missing": "There is no sound",
    "audio-dropout": "The sound is digitally silent for a while",
    "notice-heard": "The standard notice was spoken",
    "notice-missing": "The standard notice was not spoken",
    "notice-partial": "Only a part of the standard notice was spoken",
    "notice-late": "The standard notice was spoken after the enforcement had begun",
    "notice-unclear": "Whether the standard notice was spoken cannot be told from the sound",
    "place-shown": "A sign of the place is legible in the picture",
    "place-missing": "No sign of the place was found",
    "place-unclear": "Text in the picture is too small or too blurred to tell the place",
}

TITLES: dict[str, str] = {
    "picture-cut": "Picture cut",
    "frozen-picture": "Frozen picture",
    "blank-picture": "Blank picture",
    "timestamp-gap": "Gap in the times",
    "timestamp-disorder": "Times out of order",
    "edit-list": "Hidden media",
    "header-mismatch": "Header mismatch",
    "truncated": "Truncated file",
    "audio-missing": "No sound",
    "audio-dropout": "Sound dropout",
    "notice-heard": "Notice spoken",
    "notice-missing": "Notice missing",
    "notice-partial": "Notice incomplete",
    "notice-late": "Notice too late",
    "notice-unclear": "Notice unclear",
    "place-shown": "Place shown",
    "place-missing": "Place missing",
    "place-unclear": "Place unclear",
}
"""Short names of the same kinds, for headings and the lanes of a timeline (msgids too)."""
