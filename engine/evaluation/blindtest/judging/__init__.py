"""What the answers to a blind test come to, and a classifier that can be asked in place of people.

answers     what a listener said, as the page writes it
statistics  exact binomial, Clopper and Pearson's interval, Bradley and Terry's strengths
scoring     key and answers -> who is preferred, by whom, and how sure that is
hearing     what the classifier and a Frechet distance count of a clip
machine     the classifier of real against played; it is no listener, and is called what it is
"""
