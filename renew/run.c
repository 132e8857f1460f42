#include "run.h"

/* A failure that only the call at hand need meet: a record may be poisoned, or
 * a proxy choke on one body, while all else is well. */
static bool is_of_one_call(enum failure_kind kind)
{
	return kind == FAILURE_UNCERTAIN || kind == FAILURE_NONSENSE;
}

void run_meet(struct run *run, const struct failure *failure)
{
	if (failure->kind == FAILURE_LATER && failure->retry_after > 0)
		run->state->retry_until = time(NULL) + failure->retry_after;
	run->ended |= failure_ends_run(failure->kind) && !is_of_one_call(failure->kind);
}
