"""HTTP only: nothing here depends on Klaviyo's resources or on pandas."""

from klaviyo_analytics.http.rate_limits import Bucket, Pacer
from klaviyo_analytics.http.retry import RetryPolicy
from klaviyo_analytics.http.session import MEDIA_TYPE, Call, HeaderAuth, Reply, Transport

__all__ = ["MEDIA_TYPE", "Bucket", "Call", "HeaderAuth", "Pacer", "Reply", "RetryPolicy", "Transport"]
