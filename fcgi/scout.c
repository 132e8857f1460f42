#include "scout.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "confine.h"
#include "guardian.h"

enum { PAUSE_MS = 250 };

struct scout {
	const struct config *config;
	int guardian;
};

static bool outgrown(const char *path)
{
	return path[0] && confine_outgrown(path);
}

static void *look(void *context)
{
	const struct scout *scout = context;
	const struct config *config = scout->config;

	for (;;) {
		poll(NULL, 0, PAUSE_MS);
		if (outgrown(config->spool) || outgrown(config->fallback_spool)
		    || outgrown(config->verification_tokens))
			guardian_ask(scout->guardian);
	}
	return NULL;
}

int scout_start(const struct config *config, int guardian, struct reason *why)
{
	struct scout *scout = malloc(sizeof *scout);	/* the thread's from now on */
	pthread_t thread;
	int error = ENOMEM;

	if (scout) {
		*scout = (struct scout){ config, guardian };
		error = pthread_create(&thread, NULL, look, scout);
	}
	if (error) {
		free(scout);
		return reason_set(why, "threads: %s", strerror(error));
	}
	pthread_detach(thread);
	return 0;
}
