"""Sign-up forms and the versions that are shown."""

from __future__ import annotations

from klaviyo_analytics.resources._generated.messages import FormMethods, FormVersionMethods


class Forms(FormMethods):
    """Sign-up forms; each is shown in one or several versions."""


class FormVersions(FormVersionMethods):
    """Versions of forms; `forms.versions(form_id)` lists them."""
