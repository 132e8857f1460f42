"""A stand-in for RingCentral: one duty per module, wired in ringcentral.py.

settings       every figure and switch of the platform, and the credentials
clock          the platform's time, which tests can advance
certificates   a test authority and what it issues
errors         RingCentral's error bodies
rates          rate groups, 429 and the penalty
tokens         the OAuth token endpoint
filters        event filters: ids filled in, bounds, matching
endpoint       one exchange with a webhook address, judged byte by byte
subscriptions  the records and what may be done to them
notifier       delivery of events and the handshake
timeline       what falls due: expiry, reminders, blacklisting, reconciliation
faults         troubles on demand
message        a request and a reply
api            the paths of the platform
control        the paths of the test, below /stand-in/
tls            a local server that speaks TLS
httpd          requests in, replies out, the request log
hook           a webhook endpoint, healthy or sick
client         a client of the API, for the stand-in's own tests
remote         the stand-in as a child process
"""
