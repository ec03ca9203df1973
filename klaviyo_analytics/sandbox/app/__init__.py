"""The WSGI application: Klaviyo's API, the Maton gateway before it, and Maton's connections.

A request passes through these modules, in this order::

    application   both faces, the scripted faults (mischief), the record of requests
    gateway       Maton's key, connections and errors
    klaviyo       revision, route (contract), scopes, limits, query (filters), body (bodies)
    handlers      the handler of the operation: reads, writes and aggregates, or a special one (special)
    store         the account, and what follows from it (relations, groups, events)
    render        resources as JSON:API objects; paging cuts them into pages

To serve one more operation that is not regular, write a module in `special` with a `HANDLERS` table and name it in
`special/__init__`. What is accepted now and done later is a job (`special.jobs`), or a campaign on its way out
(`special.delivery`).
"""
