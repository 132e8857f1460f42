#include "keep.h"

#include <string.h>
#include <time.h>

struct forgetting {
	char oldest_kept[ENTRY_DAY_SIZE];	/* days sort as their names do */
	struct reason *why;
};

static int remove_entry(void *context, struct states *states,
	const struct entry *entry)
{
	struct reason *why = context;
	struct claim claim;
	enum move_result result;

	switch (states_claim(&claim, states, entry, why)) {
	case CLAIM_OURS:
		result = states_remove(&claim, why);
		states_release(&claim);
		return result == MOVE_FAILED ? -1 : 0;
	case CLAIM_FAILED:
		return -1;
	default:
		return 0;
	}
}

static int remove_if_past(void *context, struct states *states, const char *day)
{
	const char *oldest_kept = context;

	if (strcmp(day, oldest_kept) < 0)
		states_remove_day(states, day);
	return 0;
}

static int forget_day(void *context, struct states *states, const char *day)
{
	struct forgetting *forgetting = context;

	if (strcmp(day, forgetting->oldest_kept) >= 0)
		return 0;
	if (states_each_in(states, STATE_DONE, day, remove_entry, forgetting->why,
	    NULL, forgetting->why) < 0)
		return -1;
	states_remove_day(states, day);
	return 0;
}

int keep_forget(struct spools *spools, unsigned days, struct reason *why)
{
	struct forgetting forgetting = { .why = why };

	states_day(forgetting.oldest_kept, time(NULL) - (time_t)days * 24 * 60 * 60);
	for (unsigned i = 0; i < spools->count; i++)
		if (spools->states[i] && states_each_day(spools->states[i], forget_day,
		    &forgetting, NULL, why) < 0)
			return -1;
	return 0;
}

void keep_remove_empty_days(struct spools *spools)
{
	char today[ENTRY_DAY_SIZE];
	struct reason ignored;

	states_day(today, time(NULL));
	for (unsigned i = 0; i < spools->count; i++)
		if (spools->states[i])
			(void)states_each_day(spools->states[i], remove_if_past,
				today, NULL, &ignored);
}
