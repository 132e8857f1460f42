/*
 * record: a subscription as the platform shows it (SubscriptionInfo).
 *
 * A record that lacks what is relied on, or has it in another type, is an
 * error and not skipped: it could be ours, and a second one would be created
 * beside it.
 */
#ifndef RINGSPOOL_RECORD_H
#define RINGSPOOL_RECORD_H

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stddef.h>
#include <time.h>

#include "reason.h"

struct disabled_filter {	/* refused for lack of a permission */
	char *filter;
	char *reason;		/* a code */
	char *message;
};

struct record {
	char *id;		/* letters, digits and . _ ~ - only: fit for a path */
	bool webhook;		/* otherwise another transport: only id and transport count */
	char *transport;
	char *address;
	char *status;		/* Active, Blacklisted, Suspended */
	char *trouble;		/* why it was blacklisted, or NULL */
	char **filters;		/* with ids filled in */
	size_t filter_count;
	struct disabled_filter *disabled;
	size_t disabled_count;
	time_t expires_at;	/* the platform's clock */
	time_t created_at;	/* 0 unknown */
	long seconds_left;	/* as the platform counted when it replied; -1 unknown */
};

struct records {
	struct record *items;
	size_t count;
};

/* Whether a text can be the id of a subscription. */
bool record_id_is_well_formed(const char *id);

/* Reads one record, or a list of them ({"records": [...]}), of which each id is
 * kept once, and which must be whole.  Returns 0, or -1 with *why filled and nothing to free. */
int record_read(struct record *record, const cJSON *json, struct reason *why);
int records_read(struct records *records, const cJSON *json, struct reason *why);

void record_free(struct record *record);
void records_free(struct records *records);

bool record_is_active(const struct record *record);

/* The record with this id, or NULL. */
const struct record *records_find(const struct records *records, const char *id);

#endif
