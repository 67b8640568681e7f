"""Names for orders: UUIDs of version 4 (RFC 9562, section 5.4) as 32 digits. Pure."""

__all__ = ["uuid_4"]

_VERSION_4 = 0x4000_8000_0000_0000_0000  # and the variant
_GIVEN = ~0xF000_C000_0000_0000_0000


def uuid_4(bits: int) -> str:
    """The UUID of 128 random bits, of which six become its version and variant."""
    return f"{bits & _GIVEN | _VERSION_4:032x}"
