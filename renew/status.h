/*
 * status: status.json in the state directory, which tells monitoring and the
 * operator's tool how each declared subscription stands.  It holds no secret
 * and may be read by everybody; its keys are documented in
 * ringspool-renew(8) and stay.
 */
#ifndef RINGSPOOL_STATUS_H
#define RINGSPOOL_STATUS_H

#include <cjson/cJSON.h>
#include <time.h>

#include "failure.h"
#include "reason.h"
#include "settings.h"
#include "state.h"

struct status_input {
	const struct settings *settings;
	const struct state *state;
	const struct masking *masking;	/* of what the platform said */
	const struct failure *failure;	/* of the run as a whole, or NULL */
	int exit_status;
	time_t now;			/* our clock */
};

/* Replaces status.json. */
int status_write(int store, const struct status_input *input, struct reason *why);

#endif
