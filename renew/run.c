#include "run.h"

void run_meet(struct run *run, const struct failure *failure)
{
	if (failure->kind == FAILURE_LATER && failure->retry_after > 0)
		run->state->retry_until = time(NULL) + failure->retry_after;
	run->ended |= failure_ends_run(failure->kind);
}

time_t run_time_left(const struct run *run, const struct record *record)
{
	return record->expires_at - platform_now(run->platform);
}
