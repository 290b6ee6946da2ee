"""Medians, and how sure they are."""
import random
import statistics

ROUNDS = 4000


def median(values):
    values = [v for v in values if v is not None]
    return statistics.median(values) if values else None


def interval(values, share=0.9):
    """The bootstrap interval of the median; the same values give the same interval."""
    values = [v for v in values if v is not None]
    if len(values) < 2:
        return None
    draw = random.Random(1)
    medians = sorted(statistics.median(draw.choices(values, k=len(values))) for _ in range(ROUNDS))
    cut = (1 - share) / 2
    return medians[int(ROUNDS * cut)], medians[int(ROUNDS * (1 - cut)) - 1]
