/*
 * run: what the parts of one run work with.  main() puts it together.
 */
#ifndef RINGSPOOL_RUN_H
#define RINGSPOOL_RUN_H

#include <stdbool.h>

#include "digest.h"
#include "platform.h"
#include "record.h"
#include "reminders.h"
#include "report.h"
#include "settings.h"
#include "state.h"

struct run {
	const struct settings *settings;
	struct platform *platform;
	struct state *state;
	int store;			/* the state directory */
	struct report *report;
	struct reminders *reminders;
	const char *token;		/* verification token, or NULL */
	char token_digest[DIGEST_TEXT];	/* keyed; "" without a token */
	struct records present;		/* the list, once it was asked for */
	cJSON *document;		/* with --json: what the command tells; or NULL */
	bool dry_run;
	bool ended;			/* a failure that further calls would meet again */
	bool *failed;			/* per declared subscription */
};

/* Takes note of a failure of a call: whether the run ends by it, since every
 * further call would meet the same, and until when the platform asks to wait. */
void run_meet(struct run *run, const struct failure *failure);

enum { RUN_CLOCK_SLACK = 120 };		/* seconds between two clocks and a call */

/* Seconds until a subscription ends, by the platform's clock. */
time_t run_time_left(const struct run *run, const struct record *record);

#endif
