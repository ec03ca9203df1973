"""`python -m klaviyo_analytics.cli`."""

import sys

from klaviyo_analytics.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
