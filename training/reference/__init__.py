"""The two published systems that Vanisher grew from, trained again with one command each.

    python -m training.reference.vanisher2018 segment|fill|plate
    python -m training.reference.dcgan128

They are baselines of the bench and no part of the product: no averaging of weights, no later tricks, and their
weights are not shipped.
"""
