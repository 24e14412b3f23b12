"""The conversations of a timeline, and rules on their sound, part of those that hold in every scenario.

Whether both sides hear each other, from the answer to the end of the call. See the room `monitors`.
"""
