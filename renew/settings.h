/*
 * settings: what the configuration says to the renewal program: [platform],
 * the declared [subscription NAME] sections, and of [receiver] the spool and
 * the verification token, which is that of the receiver.
 *
 * The environment wins over the file: RC_SERVER_URL over server,
 * CREDENTIALS_DIRECTORY over credentials, STATE_DIRECTORY over state_dir.
 */
#ifndef RINGSPOOL_SETTINGS_H
#define RINGSPOOL_SETTINGS_H

#include <limits.h>
#include <stddef.h>

#include "config.h"
#include "reason.h"

enum { SETTINGS_NAME_SIZE = 50, PLATFORM_KEYS = 5 };

struct declared {
	char name[SETTINGS_NAME_SIZE];
	unsigned line;			/* of the section's first key */
	char *address;
	unsigned address_line;
	char **filters;			/* expanded, the reminder's among them */
	size_t filter_count;
	long expires_in;		/* seconds */
	long renew_before;		/* seconds before the end */
	long reminder_threshold;	/* seconds; 0: no reminders */
	long reminder_interval;
	unsigned renew_before_line, reminder_line;
};

struct settings {
	struct config receiver;
	char server[PATH_MAX];		/* without a slash at its end */
	char credentials[PATH_MAX];
	char state_dir[PATH_MAX];
	char ca_file[PATH_MAX];		/* "": the system's */
	long timeout;			/* seconds for a call */
	int platform_lines[PLATFORM_KEYS]; /* where the keys of [platform] stand */
	struct declared *subscriptions;
	size_t count;
	char **warnings;		/* each with file and line */
	size_t warning_count;
};

/* Reads `file`; NULL means RINGSPOOL_CONFIG or else the default file.  Returns
 * 0, or -1 with *why filled: then state_dir says what is known of it all the
 * same.  settings_free() is due in either case. */
int settings_load(struct settings *settings, const char *file, struct reason *why);
void settings_free(struct settings *settings);

/* The declared subscription of this name, or NULL. */
const struct declared *settings_find(const struct settings *settings, const char *name);

#endif
