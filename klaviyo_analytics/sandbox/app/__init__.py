"""The WSGI application: Klaviyo's API, the Maton gateway before it, and Maton's connections."""
