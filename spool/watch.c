#include "watch.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

static int add(struct watch *watch, const struct spools *spools, unsigned which,
	enum entry_state state, uint32_t events)
{
	char path[PATH_MAX + 16];

	(void)snprintf(path, sizeof path, "%s/%s", spools_path(spools, which),
		entry_state_directory(state));
	watch->numbers[which][state] = inotify_add_watch(watch->fd, path,
		events | IN_ONLYDIR | IN_DONT_FOLLOW);
	return watch->numbers[which][state] < 0 && errno != ENOENT ? -1 : 0;
}

int watch_open(struct watch *watch, const struct spools *spools, unsigned in,
	unsigned out, struct reason *why)
{
	memset(watch->numbers, -1, sizeof watch->numbers);
	watch->fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	for (unsigned i = 0; watch->fd >= 0 && i < spools->count; i++) {
		for (int s = 0; spools->states[i] && s < STATE_COUNT; s++) {
			uint32_t events = ((in & STATE_BIT(s)) ? IN_CREATE | IN_MOVED_TO : 0)
				| ((out & STATE_BIT(s)) ? IN_DELETE | IN_MOVED_FROM : 0);

			if (events && add(watch, spools, i, (enum entry_state)s, events) < 0)
				goto fail;
		}
	}
	if (watch->fd >= 0)
		return 0;
fail:
	reason_set(why, "inotify: %s", strerror(errno));
	watch_close(watch);
	return -1;
}

void watch_close(struct watch *watch)
{
	if (watch->fd >= 0)
		close(watch->fd);
	watch->fd = -1;
}

/* Which directory an event of inotify is about; false: none of ours. */
static bool find_number(const struct watch *watch, int number, unsigned *spool,
	enum entry_state *state)
{
	for (unsigned i = 0; i < SPOOLS; i++)
		for (int s = 0; s < STATE_COUNT; s++)
			if (watch->numbers[i][s] == number) {
				*spool = i;
				*state = (enum entry_state)s;
				return true;
			}
	return false;
}

static unsigned take(const struct watch *watch, const struct inotify_event *event,
	watch_visit *visit, void *context)
{
	enum entry_state state;
	unsigned spool;

	if (event->mask & IN_Q_OVERFLOW)
		return STATES_ALL;
	if (!find_number(watch, event->wd, &spool, &state))
		return 0;
	if (visit && event->len > 0)
		visit(context, spool, state, event->name);
	return STATE_BIT(state);
}

unsigned watch_each(struct watch *watch, watch_visit *visit, void *context)
{
	_Alignas(struct inotify_event) char buffer[16384];
	unsigned changed = 0;
	ssize_t got;

	while (watch->fd >= 0 && (got = read(watch->fd, buffer, sizeof buffer)) > 0) {
		const char *at = buffer;

		while (at < buffer + got) {
			const struct inotify_event *event = (const void *)at;

			changed |= take(watch, event, visit, context);
			at += sizeof *event + event->len;
		}
	}
	return changed;
}

unsigned watch_read(struct watch *watch)
{
	return watch_each(watch, NULL, NULL);
}
