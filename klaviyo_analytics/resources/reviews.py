"""Product reviews."""

from __future__ import annotations

from klaviyo_analytics.resources._noun import Noun
from klaviyo_analytics.resources._verbs import finds, gets, iterates, lists


class Reviews(Noun):
    """Reviews, ratings and questions of customers."""

    list = lists("get_reviews")
    iter_frames = iterates("get_reviews")
    get = gets("get_review")
    find = finds("get_reviews")
