"""A threading server on 127.0.0.1 that speaks TLS when it has a certificate.

The TLS handshake is made in the connection's own thread, so that a client that
never finishes one holds nobody else up.
"""

import ssl
import sys
from http.server import ThreadingHTTPServer

POLL = 0.01                             # seconds until serve_forever() sees its end


class LocalServer(ThreadingHTTPServer):
    """`pair` is a certificates.Pair, or None for plain http."""
    daemon_threads = True
    request_queue_size = 128

    def __init__(self, port, handler, pair, newest=ssl.TLSVersion.MAXIMUM_SUPPORTED):
        self._context = server_context(pair, newest) if pair else None
        super().__init__(("127.0.0.1", port), handler)
        self.port = self.server_address[1]
        self.origin = f"{'https' if pair else 'http'}://127.0.0.1:{self.port}"

    def finish_request(self, request, client_address):
        if self._context is None:
            super().finish_request(request, client_address)
            return
        request.settimeout(30)
        with self._context.wrap_socket(request, server_side=True) as secure:
            super().finish_request(secure, client_address)

    def handle_error(self, request, client_address):
        """A client that goes away, or refuses our certificate, is no error here."""
        if not isinstance(sys.exc_info()[1], OSError):
            super().handle_error(request, client_address)


def server_context(pair, newest):
    """TLS 1.2 and newer, or exactly an older version for a client that must refuse it."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if newest != ssl.TLSVersion.MAXIMUM_SUPPORTED:
        context.minimum_version = min(newest, ssl.TLSVersion.TLSv1_2)
        context.maximum_version = newest
        context.set_ciphers("DEFAULT:@SECLEVEL=0")
    context.load_cert_chain(pair.certificate, pair.key)
    return context
