"""Custom objects: the sources of their records, their types and schemas, and the records themselves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, get_args

import pandas as pd

from klaviyo_analytics._messages import allowed_values, counted, did_you_mean
from klaviyo_analytics._reader import Reader
from klaviyo_analytics.errors import InvalidInputError
from klaviyo_analytics.resources._base import UNSET, identifiers, one_of, resource, serves, write
from klaviyo_analytics.resources._generated.shop import (
    DataSourceMethods,
    ObjectRecordMethods,
    ObjectSchemaMethods,
    ObjectTypeMethods,
    SourceMappingMethods,
)
from klaviyo_analytics.resources._reading import checked_id
from klaviyo_analytics.writeback import Plan
from klaviyo_analytics.writeback import catalogs as plans
from klaviyo_analytics.writeback.confirmations import confirmed
from klaviyo_analytics.writeback.encode import DateFormat

if TYPE_CHECKING:
    from klaviyo_analytics.resources._base import Id, Ids
    from klaviyo_analytics.writeback.columns import Tabular

PropertyType = Literal["boolean", "float", "int", "string", "timestamp"]
Properties = Mapping[str, PropertyType] | Sequence[Mapping[str, Any]]
Status = Literal["active", "draft"]
RELATED = ("object-schemas", "profile-object-schemas")
RELATED_TYPES = ("object-schema", "profile-object-schema")
META = ("relationship_id", "name", "description")
PROFILE = "profile"  # what the API calls the schema of profiles
MOST_DELETED = 500


class DataSources(DataSourceMethods):
    """Where the records of custom objects come from; a source mapping says which object types they fill."""

    @serves("create_data_source_record")
    def create_record(
        self, source: Id, record: Mapping[str, Any], /, *, dry_run: bool = False
    ) -> pd.DataFrame | Any:
        """Send one record, which Klaviyo works on later: `ingestion_logs` of `client.object_types` lists what failed.

        Parameters
        ----------
        source : str or pandas.Series
            Id or row of the data source.
        record : dict
            The record, at most 512 kB; times are written in UTC.
        dry_run : bool
            True returns the request as a DataFrame and sends nothing.

        Raises
        ------
        InvalidInputError
            The record is empty or cannot be written as JSON. Nothing was sent.
        ApiError
            Klaviyo refused the request.

        Notes
        -----
        ``POST /api/data-source-record-create-jobs``, limited to 75/s and 750/m; scopes: custom-objects:write.

        Examples
        --------
        >>> import klaviyo_analytics as ka
        >>> with ka.demo(profiles=100, events=500) as client:
        ...     source = client.data_sources.create(title="Bookings")
        ...     client.data_sources.create_record(source, {"booking": "B1", "nights": 3})
        """
        if not isinstance(record, Mapping) or not record:
            raise InvalidInputError(
                f"record={record!r} is not a record. Pass a dict with at least one property, such as "
                "{'booking': 'B1', 'nights': 3}."
            )
        item = {"data": {"type": "data-source-record", "attributes": {"record": dict(record)}}}
        data = resource(
            self._endpoint("create_data_source_record"),
            {"data_source_record": item, "data_source": source},
        )
        return write(self._context, "create_data_source_record", {}, {"data": data}, dry_run=dry_run)

    @serves("bulk_create_data_source_records")
    def plan_create_records(
        self,
        frame: Tabular,
        /,
        *,
        source: Id,
        key: str | None = None,
        columns: Mapping[str, str] | None = None,
        date_format: DateFormat = None,
    ) -> Plan:
        """Plan to send every row of a frame as one record; nothing is sent.

        Klaviyo takes records at once and works on them later: what it says is "accepted". What it could not use is
        in `client.object_types.ingestion_logs(...)`.

        Parameters
        ----------
        frame : pandas.DataFrame, another frame, Series, list or array
            Every column becomes a property of its own name; missing values are left out, dicts and lists are kept.
        source : str or pandas.Series
            Id or row of the data source.
        key : str, optional
            The property that identifies a record; it must be there in every row. Omitted: rows are named by "id" or
            else by the first column, which may have missing values.
        columns : dict, optional
            What columns become: ``{"booking_no": "booking"}``.
        date_format : str or dict, optional
            The format of dates that are texts, as a dict of formats by column: ``{"day": "%d/%m/%Y"}``. What has no
            zone is read in the account's.

        Returns
        -------
        Plan
            See its `preview()` and `problems`, then `apply()`. A request has at most 500 rows.

        Raises
        ------
        FrameError
            Two columns become one property, or none becomes the key. What is wrong with single rows is in
            `plan.problems`.

        Notes
        -----
        ``POST /api/data-source-record-bulk-create-jobs``, limited to 3/s and 15/m; scopes: custom-objects:write.

        Examples
        --------
        >>> import klaviyo_analytics as ka, pandas as pd
        >>> bookings = pd.DataFrame({"booking": ["B1", "B2"], "nights": [3, 1]})
        >>> with ka.demo(profiles=100, events=500) as client:
        ...     source = client.data_sources.create(title="Bookings")
        ...     result = client.data_sources.plan_create_records(bookings, source=source, key="booking").apply()
        >>> result.rows["status"].tolist()
        ['accepted', 'accepted']
        """
        return plans.plan_records(
            self._context,
            frame,
            source=checked_id(source, "source"),
            key=key,
            columns=columns,
            date_format=date_format,
        )


class ObjectTypes(ObjectTypeMethods):
    """Types of custom objects, such as bookings or pets; each has a schema, records, and a log of what failed."""

    @serves("create_object_type")
    def create(
        self,
        *,
        title: str,
        properties: Properties = UNSET,
        required: Sequence[str] = UNSET,
        description: str | None = UNSET,
        namespace: str | None = UNSET,
        visibility: Literal["private", "shared"] | None = UNSET,
        status: Status = UNSET,
        property_mappings: Sequence[Mapping[str, Any]] = UNSET,
        relationship_mappings: Sequence[Mapping[str, Any]] = UNSET,
        dry_run: bool = False,
    ) -> pd.Series[Any] | Any:
        """Create an object type, with its first schema if properties are given.

        Parameters
        ----------
        title : str
            What one of the objects is called: "Booking".
        properties : dict or list of dict, optional
            ``{"booking": "string", "nights": "int"}``, with the types boolean, float, int, string and timestamp; or
            the API's own form (id, name, type, description).
        required : list of str, optional
            Properties that no record may lack.
        description, namespace : str or None, optional
            Text for colleagues; the group of object types and sources that belong together.
        visibility : {"private", "shared"} or None, optional
            Who can use it.
        status : {"active", "draft"}, optional
            A draft schema is not used yet. Omitted: Klaviyo decides.
        property_mappings, relationship_mappings : list of dict, optional
            Where values come from, as `SourceMappings.update` takes them.
        dry_run : bool
            True returns the request as a DataFrame and sends nothing.

        Returns
        -------
        pandas.Series
            The object type: id, title, description, status, namespace, created_at, updated_at (UTC).

        Raises
        ------
        InvalidInputError
            A property has no known type, or a required one is not among the properties. Nothing was sent.
        InvalidQueryError
            The client's revision has no object types.
        ApiError
            Klaviyo refused the request.

        Notes
        -----
        ``POST /api/object-types``, limited to 3/s and 60/m; scopes: custom-objects:write.

        Examples
        --------
        >>> import klaviyo_analytics as ka
        >>> client = ka.connect(api_key="pk_0123456789", revision="2026-07-15")
        >>> request = client.object_types.create(title="Booking", properties={"nights": "int"}, dry_run=True)
        >>> request["path"].item()
        '/api/object-types'
        """
        one_of(status, "status", get_args(Status))
        mapping = _mapping(property_mappings, relationship_mappings)
        held = _schema(properties, required) | {"status": status, "source-mapping": mapping}
        schema = {name: value for name, value in held.items() if value is not UNSET}
        given = {
            "title": title,
            "description": description,
            "namespace": namespace,
            "visibility": visibility,
            "object_schema": {"data": {"type": "object-schema", "attributes": schema}} if schema else UNSET,
        }
        return self._create("create_object_type", given, dry_run=dry_run)


class ObjectSchemas(ObjectSchemaMethods):
    """Versions of what an object type holds; `object_types.current_schema` and `.schema_versions` find them."""

    @serves("create_object_schema")
    def create(
        self,
        object_type: Id,
        /,
        *,
        title: str,
        properties: Properties,
        required: Sequence[str] = UNSET,
        description: str | None = UNSET,
        status: Status = UNSET,
        property_mappings: Sequence[Mapping[str, Any]] = UNSET,
        relationship_mappings: Sequence[Mapping[str, Any]] = UNSET,
        dry_run: bool = False,
    ) -> pd.Series[Any] | Any:
        """Create a version of an object type's schema.

        Parameters
        ----------
        object_type : str or pandas.Series
            Id or row of the object type.
        title, description : str
            What it is called, and text for colleagues.
        properties, required, status, property_mappings, relationship_mappings
            As for `ObjectTypes.create`.
        dry_run : bool
            True returns the request as a DataFrame and sends nothing.

        Returns
        -------
        pandas.Series
            The schema: id, title, description, status, properties, required, published_at (UTC), visibility.

        Raises
        ------
        InvalidInputError
            A property has no known type, or a required one is not among the properties. Nothing was sent.
        ApiError
            Klaviyo refused the request.

        Notes
        -----
        ``POST /api/object-schemas``, limited to 3/s and 60/m; scopes: custom-objects:write.

        Examples
        --------
        >>> import klaviyo_analytics as ka
        >>> client = ka.connect(api_key="pk_0123456789", revision="2026-07-15")
        >>> request = client.object_schemas.create("T1", title="Booking", properties={"nights": "int"}, dry_run=True)
        >>> request["body"].item()["data"]["attributes"]["properties"]
        [{'id': 1, 'name': 'nights', 'type': 'int'}]
        """
        one_of(status, "status", get_args(Status))
        given = {
            "title": title,
            "description": description,
            "status": status,
            "object_type": object_type,
            "source_mapping": _mapping(property_mappings, relationship_mappings),
            **_schema(properties, required),
        }
        return self._create("create_object_schema", given, dry_run=dry_run)

    @serves("update_object_schema")
    def update(
        self,
        schema: Id,
        /,
        *,
        title: str = UNSET,
        properties: Properties = UNSET,
        required: Sequence[str] = UNSET,
        description: str = UNSET,
        status: Status = UNSET,
        dry_run: bool = False,
    ) -> pd.Series[Any] | Any:
        """Change what is given of a schema, or publish it with ``status="active"``.

        Parameters
        ----------
        schema : str or pandas.Series
            Id or row of the schema.
        title, properties, required, description, status
            As for `create`. Omitted: unchanged.
        dry_run : bool
            True returns the request as a DataFrame and sends nothing.

        Returns
        -------
        pandas.Series
            The schema.

        Notes
        -----
        ``PATCH /api/object-schemas/{id}``, limited to 3/s and 60/m; scopes: custom-objects:write.

        Examples
        --------
        >>> import klaviyo_analytics as ka
        >>> client = ka.connect(api_key="pk_0123456789", revision="2026-07-15")
        >>> client.object_schemas.update("S1", status="active", dry_run=True)["method"].item()
        'PATCH'
        """
        one_of(status, "status", get_args(Status))
        given = {"title": title, "description": description, "status": status}
        return self._update(
            "update_object_schema", schema, given | _schema(properties, required), dry_run=dry_run
        )

    @serves("get_object_schema")
    def relationships(self, schema: Id, /) -> pd.DataFrame:
        """Read what the objects of a schema are related to.

        Parameters
        ----------
        schema : str or pandas.Series
            Id or row of the schema.

        Returns
        -------
        pandas.DataFrame
            A row for each relationship: name, description, related_id (id of the other schema, or "profile"),
            relationship_id; all string.

        Raises
        ------
        NotFoundError
            No schema has this id.

        Notes
        -----
        ``GET /api/object-schemas/{id}``, limited to 3/s and 60/m; scopes: custom-objects:read.

        Examples
        --------
        >>> import klaviyo_analytics as ka
        >>> with ka.demo(profiles=100, events=500, revision="2026-07-15") as client:
        ...     room = client.object_types.create(title="Room", properties={"floor": "int"})
        ...     schema = client.object_types.draft_schema(room)
        ...     client.object_schemas.relate(schema, "profile", name="guest")
        ...     client.object_schemas.relationships(schema)["name"].tolist()
        ['guest']
        """
        params = {"include": ",".join(RELATED)}
        document = self._context.api.call(
            "get_object_schema", self._ids("get_object_schema", schema), params=params
        )
        rows = [
            {
                **{name: one.at("attributes").at("meta").at(name).value for name in META},
                "related_id": one.at("id").text().partition(":::")[0],
            }
            for one in Reader(document, "GET /api/object-schemas/{id}").at("included").items()
            if one.at("type").text() in RELATED_TYPES
        ]
        columns = ["name", "description", "related_id", "relationship_id"]
        return pd.DataFrame(rows, columns=columns, dtype="string")

    @serves("create_object_schema_relationship", "create_profile_schema_relationship")
    def relate(
        self,
        schema: Id,
        related: Id,
        /,
        *,
        name: str,
        description: str | None = None,
        dry_run: bool = False,
    ) -> pd.DataFrame | Any:
        """Relate the objects of a schema to those of another, or to profiles.

        Parameters
        ----------
        schema : str or pandas.Series
            Id or row of the schema.
        related : str or pandas.Series
            Id or row of the other schema, or "profile".
        name, description : str
            What the relationship is called: "owner".
        dry_run : bool
            True returns the request as a DataFrame and sends nothing.

        Notes
        -----
        ``POST /api/object-schemas/{id}/relationships/object-schemas``, limited to 3/s and 60/m; scopes:
        custom-objects:write.

        ``POST /api/object-schemas/{id}/relationships/profile-object-schemas``, limited to 3/s and 60/m; scopes:
        custom-objects:write.

        Examples
        --------
        >>> import klaviyo_analytics as ka
        >>> client = ka.connect(api_key="pk_0123456789", revision="2026-07-15")
        >>> client.object_schemas.relate("S1", "S2", name="room", dry_run=True)["method"].item()
        'POST'
        """
        meta = {"name": name} | ({} if description is None else {"description": description})
        return self._change_relationship("create", schema, related, meta, dry_run=dry_run)

    @serves("update_object_schema_relationship", "update_profile_schema_relationship")
    def update_relationship(
        self,
        schema: Id,
        related: Id,
        relationship: str,
        /,
        *,
        name: str = UNSET,
        description: str | None = UNSET,
        dry_run: bool = False,
    ) -> pd.DataFrame | Any:
        """Change the name or the description of a relationship.

        Parameters
        ----------
        schema : str or pandas.Series
            Id or row of the schema.
        related : str or pandas.Series
            Id or row of the other schema, or "profile".
        relationship : str
            Its id, which `relationships` lists.
        name, description : str, optional
            Omitted: unchanged.
        dry_run : bool
            True returns the request as a DataFrame and sends nothing.

        Notes
        -----
        ``PATCH /api/object-schemas/{id}/relationships/object-schemas``, limited to 3/s and 60/m; scopes:
        custom-objects:write.

        ``PATCH /api/object-schemas/{id}/relationships/profile-object-schemas``, limited to 3/s and 60/m; scopes:
        custom-objects:write.
        """
        given = {"name": name, "description": description}
        meta = {key: value for key, value in given.items() if value is not UNSET}
        if not meta:
            raise InvalidInputError(
                "update_relationship(): nothing to change was given. Pass name= or description=."
            )
        meta = {"relationship_id": checked_id(relationship, "relationship"), **meta}
        return self._change_relationship("update", schema, related, meta, dry_run=dry_run)

    @serves("delete_object_schema_relationship", "delete_profile_schema_relationship")
    def unrelate(
        self,
        schema: Id,
        related: Id,
        relationship: str,
        /,
        *,
        confirm: bool = False,
        dry_run: bool = False,
    ) -> pd.DataFrame | Any:
        """Delete a relationship of a schema, so only with ``confirm=True``; see `update_relationship`.

        Notes
        -----
        ``DELETE /api/object-schemas/{id}/relationships/object-schemas``, limited to 3/s and 60/m; scopes:
        custom-objects:write.

        ``DELETE /api/object-schemas/{id}/relationships/profile-object-schemas``, limited to 3/s and 60/m; scopes:
        custom-objects:write.
        """
        meta = {"relationship_id": checked_id(relationship, "relationship")}
        if not dry_run:
            confirmed(
                confirm, f"This deletes the relationship {relationship} of the schema {self._id(schema)}."
            )
        return self._change_relationship("delete", schema, related, meta, dry_run=dry_run)

    def _change_relationship(
        self, verb: str, schema: Id, related: Id, meta: Mapping[str, Any], *, dry_run: bool
    ) -> Any:
        id = checked_id(related, "related").partition(":::")[0]  # relationships are named schema:::name
        profile = id == PROFILE
        operation = f"{verb}_{'profile' if profile else 'object'}_schema_relationship"
        item = {"type": "profile-object-schema" if profile else "object-schema", "id": id, "meta": meta}
        data: Any = item if verb == "update" else [item]
        return write(self._context, operation, self._ids(operation, schema), {"data": data}, dry_run=dry_run)


class ObjectRecords(ObjectRecordMethods):
    """Records of custom objects; `object_types.records(...)` lists those of a type."""

    @serves("bulk_delete_object_records")
    def delete(self, records: Ids, /, *, confirm: bool = False, dry_run: bool = False) -> pd.DataFrame | Any:
        """Delete records, at most 500 in one call; Klaviyo takes the job at once and works on it later.

        Parameters
        ----------
        records : str, list of str or pandas.DataFrame
            Ids, rows, or a DataFrame with an `id` column.
        confirm : bool
            Must be True to delete.
        dry_run : bool
            True returns the request as a DataFrame and sends nothing.

        Raises
        ------
        InvalidInputError
            None or more than 500 were given. Nothing was sent.
        ConfirmationRequiredError
            `confirm` is not True. Nothing was deleted.

        Notes
        -----
        ``POST /api/object-record-bulk-delete-jobs``, limited to 3/s and 60/m; scopes: custom-objects:write.

        Examples
        --------
        >>> import klaviyo_analytics as ka
        >>> client = ka.connect(api_key="pk_0123456789", revision="2026-07-15")
        >>> client.object_records.delete(["R1", "R2"], dry_run=True)["method"].item()
        'POST'
        """
        chosen = identifiers("object-record", records)
        if len(chosen) > MOST_DELETED:
            raise InvalidInputError(
                f"{len(chosen):,} records are too many for one call. At most {MOST_DELETED} are allowed. "
                "Delete them in several calls."
            )
        endpoint = self._endpoint("bulk_delete_object_records")
        data = resource(endpoint, {"object_records": [one["id"] for one in chosen]})
        if not dry_run:
            confirmed(
                confirm, f"This deletes {counted(len(chosen), 'object record')}; they cannot be restored."
            )
        return write(self._context, endpoint.operation, {}, {"data": data}, dry_run=dry_run)


class SourceMappings(SourceMappingMethods):
    """How records of data sources become properties and relationships of objects."""


def _schema(properties: Properties, required: Sequence[str]) -> dict[str, Any]:
    """Return a schema's properties in the API's form, and those that are required."""
    if properties is UNSET:
        return {"required": required}
    if isinstance(properties, Mapping):
        for name, kind in properties.items():
            one_of(kind, f"properties[{name!r}]", get_args(PropertyType))
        listed = [
            {"id": place, "name": name, "type": kind}
            for place, (name, kind) in enumerate(properties.items(), start=1)
        ]
    else:
        listed = [dict(one) for one in properties]
    names = [one.get("name") for one in listed]
    for name in [] if required is UNSET else [one for one in required if one not in names]:
        raise InvalidInputError(
            f"required={name!r} is not among the properties{did_you_mean(name, map(str, names))}. "
            f"{allowed_values(name, map(str, names), 'Properties')}"
        )
    return {"properties": listed, "required": required}


def _mapping(properties: Any, relationships: Any) -> Any:
    """Return a source mapping as schemas hold it; unset if nothing is mapped."""
    given = {"property_mappings": properties, "relationship_mappings": relationships}
    held = {name: list(value) for name, value in given.items() if value is not UNSET}
    return {"data": {"type": "source-mapping", "attributes": held}} if held else UNSET
