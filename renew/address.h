/*
 * address: the web addresses that the program is told: judged, compared, and
 * made fit to be shown.
 *
 * People put secrets into the query of a webhook's address, so no query is
 * ever shown; nor are the user name and password of somebody else's.
 */
#ifndef RINGSPOOL_ADDRESS_H
#define RINGSPOOL_ADDRESS_H

#include <stdbool.h>
#include <stddef.h>

#include "masking.h"
#include "reason.h"

enum { ADDRESS_MAX_BYTES = 2000, ADDRESS_SHOWN = ADDRESS_MAX_BYTES + 8 };

/* Whether a text can be an address: http or https, a host, neither user name
 * nor fragment, visible ASCII.  Returns 0, or -1 with *why filled. */
int address_check(const char *address, struct reason *why);

bool address_is_https(const char *address);

/* Whether the host is this machine: localhost, 127.0.0.0/8 or [::1]. */
bool address_is_loopback(const char *address);

/* Whether two addresses lead to the same place: scheme and host may differ in
 * case, the port may be left out where it is the scheme's. */
bool address_equal(const char *a, const char *b);

/* Writes the address with its query as ?***, user name and password as ***@,
 * and what is not visible ASCII as '?'; longer ones are cut. */
void address_show(const char *address, char out[ADDRESS_SHOWN]);

/* Masks the query wherever it is repeated: as a whole, each parameter, and
 * each value by itself, as it stands, decoded and encoded.  A value of fewer
 * than 6 bytes ("true", "prod", 2026) is masked only with its name: alone it
 * would take ordinary words out of every text.  -1: out of memory. */
int address_add_secrets(const char *address, struct masking *masking);

#endif
