/*
 * check_place: where an address leads: scheme, name and numeric addresses.
 */
#ifndef RINGSPOOL_CHECK_PLACE_H
#define RINGSPOOL_CHECK_PLACE_H

#include <stdbool.h>
#include <sys/socket.h>

#include "check.h"

/* Judges RULE_HTTPS, RULE_NAME and RULE_PUBLIC_ADDRESS.  Returns whether there
 * is something to connect to. */
bool check_place(struct check_report *report, const char *address);

/* Whether an IPv4 or IPv6 address is one of the public internet: none of the
 * blocks set aside for private, local, shared, test or multicast use. */
bool check_is_public(const struct sockaddr *address);

#endif
