"""Rules on registrations and the credentials shown in them, part of those that hold in every scenario.

When a device asks its server, how often, and how it proves who it is. See the room `monitors`.
"""
