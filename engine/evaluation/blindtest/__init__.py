"""A blind test that anybody can run: who is the pianist, A or B?

places       where music is played: held-out performances from some moment on, or charts
contestants  who plays there: real performances, a base with or without a style, the 5-gram, anybody's folder
pairing      which two are heard at which place, and on which side
sealed       the key file: what the page does not say, fixed by its hash before anyone listens
loudness     ITU-R BS.1770, by which all clips are made equally loud
sound        notes -> rendered, matched and encoded clips
page         one HTML file with the sound inside
make         all of it together: everybody plays everywhere, pairs are drawn, the key is sealed
judging/     what the answers come to
"""
