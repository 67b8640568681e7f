"""A TLS certificate made at run time, for a simulated exchange that clients reach as a real one.

Needs the extra `tls`. The certificate is valid for the host served and for `localhost`. A client
that trusts the authority's certificate trusts it, as long as the process runs.
"""

import ssl
from pathlib import Path

from fluxum.errors import BadInput

__all__ = ["certificate"]


def certificate(host: str, authority: Path) -> ssl.SSLContext:
    """The server's side of TLS for a host; writes its authority's certificate to a file, as PEM.

    A client trusts it through that file, most of them with `SSL_CERT_FILE=authority.pem`. Raises
    BadInput if the extra is not installed or the file cannot be written.
    """
    try:
        import trustme
    except ImportError as error:
        raise BadInput(
            "TLS for a simulated exchange needs the extra tls: pip install 'fluxum[tls]'"
        ) from error
    issuer = trustme.CA(organization_name="Fluxum simulated exchange")
    names = dict.fromkeys((host, "localhost", "127.0.0.1", "::1"))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    leaf = issuer.issue_cert(*names)
    with leaf.private_key_and_cert_chain_pem.tempfile() as file:
        context.load_cert_chain(file)
    try:
        authority.write_bytes(issuer.cert_pem.bytes())
    except OSError as error:
        raise BadInput(f"{authority} cannot be written: {error.strerror}") from error
    return context
