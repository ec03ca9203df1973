"""What the attributes of writes mean, in our own words; `generate` puts them into docstrings.

A key is an attribute, or `operation.attribute` where one operation means something else by it.
"""

from __future__ import annotations

from collections.abc import Mapping

ATTRIBUTES: Mapping[str, str] = {
    "_kx": "Identifier that Klaviyo's website tracking assigns to a person (exchange id).",
    "ab_test": "True for a form that tests several versions against each other.",
    "amp": "AMP version of the email; the account must have AMP enabled.",
    "catalog_type": 'Catalog that it belongs to; Klaviyo accepts "$default" only.',
    "context": "Values for the template's variables, such as ``{'first_name': 'Ann'}``.",
    "custom_metadata": "Further facts as one flat dict, at most 100 kB.",
    "definition": "The whole definition as the API documents it; it replaces the existing one.",
    "create_segment.definition": "Conditions that a profile must meet, as the API documents them.",
    "create_flow.definition": "Trigger, actions and links between them; new actions have temporary ids.",
    "create_custom_metric.definition": "Which metrics it combines, and how values are aggregated.",
    "update_custom_metric.definition": "Which metrics it combines, and how values are aggregated.",
    "create_form.definition": "Versions, steps and styles of the form, as the API documents them.",
    "create_universal_content.definition": "Type, data and styles of the block, as the API documents them.",
    "description": "Text that describes it.",
    "update_coupon.description": "Note for colleagues; customers do not see it.",
    "editor_type": '"CODE" for plain HTML, or "USER_DRAGGABLE" for HTML with editable regions.',
    "email": "Email address.",
    "enabled": "False pauses the calls to the endpoint.",
    "endpoint_url": "Address that receives the calls; it must begin with https.",
    "exclusive": "True if a resource can have only one tag of this group.",
    "expires_at": "When the code expires. A time without a zone is read in the account's; a date is its first "
    "moment. Omitted: one year from now.",
    "update_coupon_code.expires_at": "When the code expires. A time without a zone is read in the account's; a date "
    "is its first moment.",
    "external_id": "Its id in your own system.",
    "create_catalog_category.external_id": "Its id in the shop, unique in the catalog.",
    "create_catalog_item.external_id": "Its id in the shop, unique in the catalog.",
    "create_catalog_variant.external_id": "Its id in the shop, unique in the catalog.",
    "first_name": "First name.",
    "hidden": "True keeps the image out of the library's pages.",
    "html": "HTML of the email.",
    "image": "Address of a picture of the person.",
    "image_full_url": "Address of the image in full size.",
    "image_thumbnail_url": "Address of a small image.",
    "images": "Addresses of all images.",
    "integration_type": 'Integration that it belongs to; Klaviyo accepts "$custom" only.',
    "inventory_policy": "When it is shown: 0 or 2 always, 1 only while it is in stock.",
    "inventory_quantity": "Number of pieces in stock.",
    "is_active": "False deactivates the segment; it cannot be combined with other changes.",
    "is_starred": "True marks it with a star.",
    "last_name": "Last name.",
    "locale": "Language and region as an IETF tag, such as ``en-GB``.",
    "location": "Address and place: address1, address2, city, region, zip, country, latitude, longitude, "
    "timezone, ip.",
    "monitor_configuration": "``{'low_balance_threshold': 100}`` warns when fewer codes remain.",
    "name": "Its name in Klaviyo.",
    "clone_template.name": "Name of the copy. Omitted: Klaviyo names it.",
    "new_name": "Name of the copy. Omitted: Klaviyo names it.",
    "opt_in_process": "Whether new members must confirm their subscription. Omitted: the account's default.",
    "update_list.opt_in_process": "Whether new members must confirm their subscription.",
    "organization": "Company that the person works for.",
    "phone_number": "Phone number in E.164 form, such as ``+14155550123``.",
    "price": "Price in the shop's currency, in major units (19.99).",
    "properties": "Custom properties by name.",
    "published": "False hides it from product feeds and blocks.",
    "return_fields": "Attributes that the response contains.",
    "secret_key": "Key that signs the calls; it cannot be read back. A dry run does not show it.",
    "sku": "Stock keeping unit.",
    "status": "State to set.",
    "update_coupon_code.status": "State to set: ASSIGNED_TO_PROFILE, DELETING, PROCESSING, UNASSIGNED, USED or "
    "VERSION_NOT_ACTIVE.",
    "create_form.status": 'A "live" form is shown to visitors at once.',
    "text": "Plain text version of the email.",
    "title": "Title that customers see.",
    "create_profile.title": "Job title.",
    "create_or_update_profile.title": "Job title.",
    "update_profile.title": "Job title.",
    "unique_code": "The code that the customer types in.",
    "url": "Address of its page in the shop.",
}


def meaning(operation: str, attribute: str) -> str:
    """Return the description of an attribute of an operation's body."""
    return ATTRIBUTES.get(f"{operation}.{attribute}", ATTRIBUTES[attribute])
