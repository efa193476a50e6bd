"""Plain float64 NumPy models of Darknet's arithmetic: the oracle of the tests.

Written from Darknet's rules, with nothing shared with the package under test. Arrays are
(batch, channels, height, width); a vector layer is (batch, values). Every ``*_backward`` is linear
in the gradient it receives, so it serves both signs: gradients of the loss and Darknet's deltas.
"""
