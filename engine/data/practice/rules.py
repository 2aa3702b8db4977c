"""The grammar of forms: rows of bars in C that a musician can check.

`|` stands between bars, `%` repeats a bar, `<name>` is any expansion of that rule, `<name@5>` the same five semitones
higher. A rule's name ends with its number of bars.
"""

from __future__ import annotations

__all__ = ["RULES"]

RULES: dict[str, tuple[str, ...]] = {
    # Cadences and turnarounds, major.
    "cad2": (
        "Dm7 G7 | Cmaj7", "Dm7 G7 | C6", "Dm7 Db7 | Cmaj7", "Fm7 Bb7 | Cmaj7", "Dm7b5 G7b9 | C6", "D7 G7 | Cmaj7",
        "G7sus4 G7 | Cmaj7", "Dm7/G G7 | C6", "Fmaj7 Fm6 | C/G", "Ab7 G7 | Cmaj7", "Dm9 G13 | Cmaj9",
    ),
    "cad4": (
        "Dm7 | G7 | Cmaj7 | %", "Dm7 | G7 | Cmaj7 | C6", "<cad2> | <turn2>", "Dm7 | G7 | <turn2>",
        "Fmaj7 | Bb7 | Cmaj7 | A7", "Dm7 | Db7 | Cmaj7 | %", "D7 | Dm7 G7 | C6 | %", "Fm7 | Bb7 | Cmaj7 | %",
        "Dm7 Eb7 | Abmaj7 B7 | Emaj7 G7 | Cmaj7", "Em7b5 | A7b9 | Dm7 G7 | Cmaj7", "Dm7 | Fm6 | Em7 A7 | Dm7 G7",
    ),
    "turn2": (
        "Cmaj7 Am7 | Dm7 G7", "Em7 A7 | Dm7 G7", "C6 A7 | D7 G7", "Cmaj7 Ebmaj7 | Abmaj7 Dbmaj7",
        "C6 C#dim7 | Dm7 D#dim7",
        "Em7 Ebdim7 | Dm7 Db7", "C/E Ebdim7 | Dm7 G7sus4", "Em7 Eb7 | Dm7 Db7", "C6 Bb7 | A7 G7#5",
        "Cmaj7 A7#5 | Dm9 G7b9",
        "Cmaj7 Dm7 Em7 Ebdim7 | Dm7 G7", "C6 A7b9 | Dm7 G7#5",
    ),
    "home2": ("Cmaj7 | %", "Cmaj7 | C6", "Cmaj7 | Dm7 G7", "Cmaj7 Dm7 | Em7 A7", "C6 | Cmaj9", "Cmaj7 F7 | Em7 A7"),
    "open4": (
        "<home2> | <cad2>", "<turn2> | <turn2>", "Cmaj7 | Em7 A7 | Dm7 | G7", "C6 | E7 | A7 | %",
        "Cmaj7 | Gm7 C7 | Fmaj7 | Fm7 Bb7",
        "C6 | C7/E | F6 | F#dim7", "C Caug | C6 C7 | Fmaj7 | Bb7", "Cmaj7 | C#dim7 | Dm7 | D#dim7",
        "Cmaj7 | Bm7b5 E7b9 | Am7 | D7",
        "Cmaj7 | Eb7 | Dm7 | G7", "C6 | % | D7 | %", "Cmaj7 | Fm7 Bb7 | Em7 | A7b9",
    ),
    "part8": ("<open4> | <cad4>", "<open4> | <cad2> | <turn2>", "<home2> | <cad2@5> | <cad4>"),
    "bridge8": (
        "E7 | % | A7 | % | D7 | % | G7 | %", "Bm7 | E7 | Em7 | A7 | Am7 | D7 | Dm7 | G7",
        "E7 | Bb7 | A7 | Eb7 | D7 | Ab7 | G7 | Db7",
        "Gm7 | C7 | Fmaj7 | % | Am7 | D7 | Dm7 | G7", "<cad4@5> | <cad4@3>", "<cad4@8> | Am7 | D7 | Dm7 | G7",
        "<cad4@4> | <cad4>",
        "<minor4@9> | D7 | % | Dm7 | G7", "Cm7 | F7 | Bbmaj7 | % | Bbm7 | Eb7 | Abmaj7 | G7",
    ),
    # Minor.
    "cadm2": (
        "Dm7b5 G7b9 | Cm6", "Dm7b5 G7#5 | CmMaj7", "Ab7 G7 | Cm7", "Dm7b5 Db7 | Cm6",
        "D7#11 G7#9 | Cm7", "Fm6 G7b9 | Cm",
    ),
    "cadm4": (
        "Dm7b5 | G7b9 | Cm6 | %", "Fm7 | Dm7b5 G7b9 | CmMaj7 | Cm6", "<cadm2> | Cm6 Ab7 | Dm7b5 G7#5",
        "Ab7 | G7#9 | Cm7 | %",
        "Dm7b5 | G7#5 | Cm Cm/Bb | Am7b5 Ab7",
    ),
    "minor4": (
        "Cm7 | % | Dm7b5 | G7b9", "Cm CmMaj7/B | Cm7/Bb Am7b5 | Dm7b5 | G7b9", "Cm6 | Fm6 | Cm6 | G7#5",
        "Cm7 Bb7 | Abmaj7 G7b9 | Cm6 | %",
        "Cm6 | Dm7b5 G7b9 | Cm6 | C7b9", "Cm | CmMaj7 | Cm7 | Cm6", "Cm7 | Fm7 | Bb7 | Ebmaj7",
        "Cm | Bdim7 | Cm/Bb | Am7b5 D7b9",
    ),
    "partm8": ("<minor4> | <cadm4>", "Fm7 | Bb7 | Ebmaj7 | Abmaj7 | <cadm4>", "<minor4> | <cadm2> | <cadm2>"),
    "bridgem8": (
        "<cad4@3> | <cadm4>", "Fm7 | Bb7 | Ebmaj7 | C7b9 | Fm7 | D7#11 | G7sus4 | G7b9",
        "Gm7b5 | C7b9 | Fm6 | % | Am7b5 | D7b9 | G7sus4 | G7",
        "<cad4@8> | <cadm4>", "<cad4@1> | <cadm4>", "C7#5 | % | Fm6 | % | Bb13 | % | Ebmaj7 | G7#5",
    ),
    # Blues, rhythm changes, circles, cycles.
    "blues12": (
        "C7 | % | % | % | F7 | % | C7 | % | G7 | F7 | C7 | G7",
        "C7 | F7 | C7 | % | F7 | % | C7 | A7 | D7 | G7 | C7 | G7",
        "C7 | F7 | C7 | Gm7 C7 | F7 | F#dim7 | C7 | Em7b5 A7b9 | Dm7 | G7 | C7 A7 | Dm7 G7",
        "C7 | F7 F#dim7 | C7/G | Gm7 C7 | F9 | Bb13 | C7 | A7#5 | Dm7 | G7b9 | Em7 A7 | Dm7 G7",
        "Cmaj7 | Bm7b5 E7b9 | Am7 D7 | Gm7 C7 | F7 | Fm7 Bb7 | Em7 A7 | Ebm7 Ab7 | Dm7 | G7 | Em7 A7 | Dm7 G7",
        "C13 | F13 | C13 | C7#5 | F9 | F#dim7 | C13 | B7 Bb7 A7 A7 | Ab7 | G7 | C13 Eb7 | Ab7 Db7",
    ),
    "bluesm12": (
        "Cm7 | % | % | C7#5 | Fm7 | % | Cm7 | % | Ab7 | G7#9 | Cm7 | Dm7b5 G7#5",
        "Cm6 | Dm7b5 G7b9 | Cm6 | Gm7b5 C7b9 | Fm7 | Fm6 | Cm6 | % | Dm7b5 | G7b9 | Cm6 Ab7 | Dm7b5 G7b9",
        "Cm | Fm7 | CmMaj7 | Cm6 | Fm7 | Bb7 | Cm | Ebm7 Ab7 | Dm7b5 | G7#9 | Cm6 | G7#5",
    ),
    "blues8": ("C7 | G7 | F7 | % | C7 | G7 | C7 F7 | C7 G7", "C7 | E7 | F7 | F#dim7 | C/G A7 | D7 G7 | C7 A7 | D7 G7"),
    "rhythm8": (
        "C6 A7 | Dm7 G7 | Em7 A7 | Dm7 G7 | C6 C7/E | F6 F#dim7 | C/G A7 | Dm7 G7",
        "<turn2> | <turn2> | C7 | F6 Fm6 | <turn2>",
        "<turn2> | <turn2> | Gm7 C7 | Fmaj7 Bb7 | <turn2>",
    ),
    "circle8": (
        "Am7 | Dm7 | G7 | Cmaj7 | Fmaj7 | Bm7b5 | E7b9 | Am6", "Em7b5 | A7b9 | Dm7 | G7 | Cm7 | F7 | Bbmaj7 | G7",
        "C6 | A7 | D7 | G7 | C6 | A7 | D7 G7 | C6",
        "Em7 A7 | Ebm7 Ab7 | Dm7 G7 | Dbm7 Gb7 | Cmaj7 | F7 | Bb13 | Eb7 Ab7",
        "Dm7 G7 | Cm7 F7 | Bbm7 Eb7 | Abmaj7 | Am7 D7 | Gm7 C7 | Fmaj7 | Dm7 G7",
    ),
    "chain8": (
        "<cad4> | <cad4@10>", "<cad4> | <cad4@8>", "<cad4> | <cad4@3>", "<cadm4@2> | <cad4>", 
        "<cad2> | <cad2@10> | <cad2@8> | <cad2>",
    ),
    "cycle8": (
        "Cmaj7 Eb7 | Abmaj7 B7 | Emaj7 | Bbm7 Eb7 | Abmaj7 B7 | Emaj7 G7 | Cmaj7 | Dm7 G7",
        "Cmaj7 | Eb7 | Abmaj7 | B7 | Emaj7 | % | Dm7 | G7",
        "Cmaj9 | Abmaj9 | Emaj9 | Cmaj9 | Abmaj7 | G7sus4 | G7 | Cmaj7",
    ),
    # Modal.
    "vamp8": (
        "Dm7 | % | % | % | % | % | % | %", "Dm7 | G7 | Dm7 | G7 | Dm7 | G7 | Dm7 | G7",
        "Dm7 | Em7 | Dm7 | Em7 | Dm7 | Em7 | Dm7 | Em7",
        "D7sus4 | % | % | % | F7sus4 | % | % | %", "Cmaj9 | % | Dbmaj9 | % | Cmaj9 | % | Dbmaj9 | %",
        "Dm9 | % | % | % | Bbmaj7 | % | A7sus4 | %",
        "D5 | Csus2 | D5 | G/D | D5 | Csus2 | Bbmaj7 | A7sus4", "Dm6 | % | DmMaj7 | % | Dm6 | % | DmMaj7 | %",
        "Dm7 | Dm7/C | G/B | Bb6 | Dm7 | Dm7/C | G/B | A7#9",
    ),
    # Ballads.
    "ballad8": (
        "Cmaj7 A7b9 | Dm7 G7 | Em7b5 A7b9 | Dm7 Fm6 | Em7 A7 | D9 | Dm7 G7sus4 | Cmaj9 Ab7",
        "Cmaj9 | Bm7b5 E7b9 | Am7 Am7/G | F#m7b5 B7b9 | Em7 Ebdim7 | Dm7 | G7sus4 G7b9 | C6",
        "Cmaj7 B7#9 | Bbmaj7 A7#5 | Dm9 | Fm6 Bb13 | Cmaj7/E Ebdim7 | Dm7 G7 | Cmaj7 Am7 | Dm7 G7",
        "Am7 AmMaj7 | Am7 D9 | Dm7 E7b9 | Am6 A7b9 | Dm7 G7 | Em7 A7 | Dm7 Db7 | Cmaj7",
        "C Caug | C6 C7 | Fmaj7 | Fm6 | C/E Ebdim | Dm7 | G7sus4 | C6", "<part8>", "<partm8@9>",
    ),
    # Pop, soul, bossa.
    "pop4": (
        "C | G | Am | F", "Am | F | C | G", "C | Am | F | G", "F | G | Em | Am", "C | Em | F | Fm",
        "C | G/B | Am | F", "F | C/E | Dm7 | G7sus4", "C5 | Bb5 | F5 | C5",
        "C | Csus4 C | G | Gsus4 G", "Csus2 | Gsus4 | Am7 | F", "C Caug | Am C7 | F | G7", "C | Bdim | Am | F",
        "Am Am/G | F | C/G | G", "C/E | F | Gsus4 | Am7",
        "Fmaj7 | G6 | Am7 | C/G", "Cm | Ab | Eb | Bb", "Cm | Bb/D | Eb | Fsus2", "C | Dm7/C | F/C | C",
        "Am | E/G# | C/G | D/F#", "C | Eb | F | Ab Bb", "Adim | Dm | G | C",
        "C | Daug | F | G7sus4", "Cm | Fm | Eb/G | Ab",
    ),
    "pop8": (
        "<pop4> | <pop4>", "C G/B | Am Am/G | F C/E | Dm7 G7 | C G/B | Am Em/G | F | Gsus4 G", 
        "Am | % | F | % | C | % | G | Gsus4",
    ),
    "soul4": (
        "Fmaj9 | Em7 A7#9 | Dm9 | G13", "Dm9 | G13 | Cmaj9 | A7#5", "Abmaj9 | Gm7 | Cm9 | Bb13",
        "Em9 | A13 | Em9 | A13", "Fmaj9 E7#9 | Am9 | Dm9 E7#5 | Am9",
        "Dm9 | Em7 | Fmaj9 | G7sus4", "Cmaj9 | Bb13 | Am9 | Abmaj9 G7#5", "C | C/E | F | F#dim7",
        "C/G A7 | Dm7 G7sus4 | C F | C G7", "Fmaj7 Fm6 | Em7 Eb7#11 | Dm9 | G7sus4",
        "Cm9 | Fm9 | Cm9 | Ab13 G7#9", "C C/E F F#dim7 | C/G A7 Dm7 G7 | C Fm6 | C", "Bbmaj9 | C9 | Am9 | D7#9",
    ),
    "soul8": ("<soul4> | <soul4>", "<soul4> | <cad4>"),
    "bossa8": (
        "Cmaj7 | % | D7 | % | Dm7 | G7b9 | Em7 A7b9 | Dm7 G7",
        "Cmaj9 | Ab13 | Gm7 | C7b9 | Fmaj7 | Bb7#11 | Em7 Ebdim7 | Dm7 Db7#11",
        "C6 | C#dim7 | Dm7 | G7sus4 | Em7 | A7b9 | Dm7 G7 | C6",
        "<minor4> | <cadm4>", "Cm9 | % | Abmaj7 | % | Dm7b5 | G7b9 | Cm6 | G7#5", "<cad4@1> | <cadm4>",
        "Fmaj7 | Fm6 | Em7 | A7#5 | D9 | Db7#11 | Cmaj9 | G7sus4",
    ),
}  # fmt: skip
