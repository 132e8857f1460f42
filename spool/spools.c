#include "spools.h"

const char *spools_path(const struct spools *spools, unsigned which)
{
	return which == 0 ? spools->config->spool : spools->config->fallback_spool;
}

int spools_open(struct spools *spools, const struct config *config,
	struct reason *why)
{
	unsigned opened = 0;

	*spools = (struct spools){ .config = config,
		.count = config->fallback_spool[0] ? 2 : 1 };
	for (unsigned i = 0; i < spools->count; i++) {
		spools->states[i] = states_open(spools_path(spools, i),
			config->seen_days, why);
		opened += spools->states[i] != NULL;
	}
	return opened == spools->count ? 0 : opened > 0 ? 1 : -1;
}

int spools_open_missing(struct spools *spools, struct reason *why)
{
	int result = 0;

	for (unsigned i = 0; i < spools->count; i++) {
		if (spools->states[i])
			continue;
		spools->states[i] = states_open(spools_path(spools, i),
			spools->config->seen_days, why);
		if (!spools->states[i])
			return -1;
		result = 1;
	}
	return result;
}

void spools_close(struct spools *spools)
{
	for (unsigned i = 0; i < SPOOLS; i++) {
		states_close(spools->states[i]);
		spools->states[i] = NULL;
	}
}
