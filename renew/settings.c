#include "settings.h"

#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "address.h"
#include "filters.h"
#include "inifile.h"

#define SECTION_PREFIX "subscription "

enum {
	EXPIRES_LEAST = 60,
	EXPIRES_MOST = 315360000,	/* ten years: the platform's bound */
	EXPIRES_DEFAULT = 604800,
	RENEW_BEFORE_DEFAULT = 259200,
	REMINDER_LEAST = 60,		/* the platform's job interval */
	REMINDER_INTERVAL_DEFAULT = 3600,
	TIMEOUT_DEFAULT = 30,
	FILTERS_MOST = 10000
};

static int set_number(long *field, const char *key, const char *value, long least,
	long most, struct reason *why)
{
	char *end;
	long number;

	errno = 0;
	number = strtol(value, &end, 10);
	if (!isdigit((unsigned char)value[0]) || *end || errno || number < least
	    || number > most)
		return reason_set(why, "%s needs a number of seconds from %ld to %ld",
			key, least, most);
	*field = number;
	return 0;
}

static int set_path(char field[PATH_MAX], const char *key, const char *value,
	struct reason *why)
{
	if (value[0] != '/')
		return reason_set(why, "%s needs an absolute path", key);
	if (strlen(value) >= PATH_MAX)
		return reason_set(why, "%s: the path is too long", key);
	strcpy(field, value);	/* fits: checked above */
	return 0;
}

static int set_server(struct settings *settings, const char *key, const char *value,
	struct reason *why)
{
	struct reason what;
	size_t length;

	if (address_check(value, &what) < 0)
		return reason_set(why, "%s %s", key, what.text);
	if (strchr(value, '?'))
		return reason_set(why, "%s may not hold a query", key);
	if (!address_is_https(value) && !address_is_loopback(value))
		return reason_set(why, "%s needs https://"
			" (http:// is for a server on this machine only)", key);
	strcpy(settings->server, value);	/* fits: checked above */
	length = strlen(settings->server);
	while (length > 0 && settings->server[length - 1] == '/')
		settings->server[--length] = '\0';
	return 0;
}

static int set_credentials(struct settings *settings, const char *key, const char *value,
	struct reason *why)
{
	return set_path(settings->credentials, key, value, why);
}

static int set_state_dir(struct settings *settings, const char *key, const char *value,
	struct reason *why)
{
	return set_path(settings->state_dir, key, value, why);
}

/* An empty one means the system's, as in the example. */
static int set_ca_file(struct settings *settings, const char *key, const char *value,
	struct reason *why)
{
	return value[0] ? set_path(settings->ca_file, key, value, why) : 0;
}

static int set_timeout(struct settings *settings, const char *key, const char *value,
	struct reason *why)
{
	return set_number(&settings->timeout, key, value, 1, 300, why);
}

static const struct {
	const char *key;
	int (*set)(struct settings *settings, const char *key, const char *value,
		struct reason *why);
} platform_keys[PLATFORM_KEYS] = {
	{ "server", set_server }, { "credentials", set_credentials },
	{ "state_dir", set_state_dir }, { "ca_file", set_ca_file },
	{ "timeout", set_timeout },
};

static int set_platform(struct settings *settings, unsigned line, const char *key,
	const char *value, struct reason *why)
{
	size_t which = 0;

	while (which < PLATFORM_KEYS && strcmp(platform_keys[which].key, key) != 0)
		which++;
	if (which == PLATFORM_KEYS)
		return reason_set(why, "unknown key %.80s in [platform]", key);
	if (settings->platform_lines[which])
		return reason_set(why, "%s was already set in line %d", key,
			settings->platform_lines[which]);
	settings->platform_lines[which] = (int)line;
	return platform_keys[which].set(settings, key, value, why);
}

static int add_warning(struct settings *settings, const char *file, unsigned line,
	const char *text, struct reason *why)
{
	char **grown = reallocarray(settings->warnings, settings->warning_count + 1,
		sizeof *grown);

	if (!grown)
		return reason_set(why, "out of memory");
	settings->warnings = grown;
	if (asprintf(&grown[settings->warning_count], "%s:%u: %s", file, line, text) < 0)
		return reason_set(why, "out of memory");
	settings->warning_count++;
	return 0;
}

/* Takes over `path`, which is freed when it cannot be. */
static int append_filter(struct declared *declared, char *path, struct reason *why)
{
	char **grown;

	if (declared->filter_count == FILTERS_MOST) {
		free(path);
		return reason_set(why, "more than %d filters", FILTERS_MOST);
	}
	grown = reallocarray(declared->filters, declared->filter_count + 1, sizeof *grown);
	if (!grown) {
		free(path);
		return reason_set(why, "out of memory");
	}
	declared->filters = grown;
	declared->filters[declared->filter_count++] = path;
	return 0;
}

static int add_filter(struct settings *settings, struct declared *declared, unsigned line,
	const char *value, struct reason *why)
{
	struct reason what;
	char *path;
	bool known;

	if (filter_expand(value, &path, &known, &what) < 0)
		return reason_set(why, "filter: %s", what.text);
	if (!known) {
		char text[320];

		(void)snprintf(text, sizeof text, "filter %.200s is not one of those known"
			" (ringspool-renew filters): passed on as it is", path);
		if (add_warning(settings, settings->receiver.file, line, text, why) < 0) {
			free(path);
			return -1;
		}
	}
	return append_filter(declared, path, why);
}

static int set_address(struct settings *settings, struct declared *declared,
	unsigned line, const char *value, struct reason *why)
{
	struct reason what;

	if (declared->address)
		return reason_set(why, "address was already set in line %u",
			declared->address_line);
	if (address_check(value, &what) < 0)
		return reason_set(why, "address %s", what.text);
	declared->address_line = line;
	declared->address = strdup(value);
	if (!declared->address)
		return reason_set(why, "out of memory");
	if (!address_is_https(value))
		return add_warning(settings, settings->receiver.file, line,
			"address: RingCentral accepts https:// only (SUB-523)", why);
	return 0;
}

static int set_seconds(long *field, unsigned *where, unsigned line, const char *key,
	const char *value, long least, struct reason *why)
{
	if (*field)
		return reason_set(why, "%s was already set", key);
	if (where)
		*where = line;
	return set_number(field, key, value, least, EXPIRES_MOST, why);
}

static int set_subscription(struct settings *settings, struct declared *declared,
	unsigned line, const char *key, const char *value, struct reason *why)
{
	if (strcmp(key, "address") == 0)
		return set_address(settings, declared, line, value, why);
	if (strcmp(key, "filter") == 0)
		return add_filter(settings, declared, line, value, why);
	if (strcmp(key, "expires_in") == 0)
		return set_seconds(&declared->expires_in, NULL, line, key, value,
			EXPIRES_LEAST, why);
	if (strcmp(key, "renew_before") == 0)
		return set_seconds(&declared->renew_before, &declared->renew_before_line,
			line, key, value, 1, why);
	if (strcmp(key, "reminder_threshold") == 0)
		return set_seconds(&declared->reminder_threshold, &declared->reminder_line,
			line, key, value, REMINDER_LEAST, why);
	if (strcmp(key, "reminder_interval") == 0)
		return set_seconds(&declared->reminder_interval, &declared->reminder_line,
			line, key, value, REMINDER_LEAST, why);
	return reason_set(why, "unknown key %.80s in [subscription %s]", key, declared->name);
}

/* The declared subscription of this section, made on its first key. */
static struct declared *section_of(struct settings *settings, const char *section,
	unsigned line, struct reason *why)
{
	const char *name = section + strlen(SECTION_PREFIX);
	struct declared *grown;

	name += strspn(name, " \t");
	for (size_t i = 0; i < settings->count; i++)
		if (strcmp(settings->subscriptions[i].name, name) == 0)
			return &settings->subscriptions[i];
	if (!name[0] || strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	    "abcdefghijklmnopqrstuvwxyz0123456789-_.") != strlen(name)) {
		reason_set(why, "the name in [%s] needs letters, digits, - _ or .", section);
		return NULL;
	}
	grown = reallocarray(settings->subscriptions, settings->count + 1, sizeof *grown);
	if (!grown) {
		reason_set(why, "out of memory");
		return NULL;
	}
	settings->subscriptions = grown;
	grown += settings->count++;
	*grown = (struct declared){ .line = line };
	(void)snprintf(grown->name, sizeof grown->name, "%s", name);
	return grown;
}

static int take_setting(void *context, unsigned line, const char *section,
	const char *key, const char *value, struct reason *why)
{
	struct settings *settings = context;
	struct declared *declared;

	if (strcmp(section, "platform") == 0)
		return set_platform(settings, line, key, value, why);
	if (strncmp(section, SECTION_PREFIX, strlen(SECTION_PREFIX)) != 0)
		return 0;	/* [receiver], judged by config_load() */
	declared = section_of(settings, section, line, why);
	if (!declared)
		return -1;
	return set_subscription(settings, declared, line, key, value, why);
}

static int add_reminder(struct declared *declared, struct reason *why)
{
	char *path;

	if (asprintf(&path, "/restapi/v1.0/subscription/~?threshold=%ld&interval=%ld",
	    declared->reminder_threshold, declared->reminder_interval) < 0)
		return reason_set(why, "out of memory");
	return append_filter(declared, path, why);
}

static int settle_reminder(struct declared *declared, const char *file, struct reason *why)
{
	long half = declared->reminder_threshold / 2;

	if (!declared->reminder_threshold && !declared->reminder_interval)
		return 0;
	if (!declared->reminder_threshold)
		return reason_set(why, "%s:%u: reminder_interval is set without reminder_threshold",
			file, declared->reminder_line);
	if (declared->reminder_threshold > declared->expires_in / 2)
		return reason_set(why, "%s:%u: reminder_threshold may be half of expires_in"
			" (%ld) at most: %ld (SUB-516)", file, declared->reminder_line,
			declared->expires_in, declared->expires_in / 2);
	if (!declared->reminder_interval)
		declared->reminder_interval = half < REMINDER_INTERVAL_DEFAULT ? half
			: REMINDER_INTERVAL_DEFAULT;
	if (declared->reminder_interval > half || declared->reminder_interval < REMINDER_LEAST)
		return reason_set(why, "%s:%u: reminder_interval may be %d at least and half of"
			" reminder_threshold (%ld) at most (SUB-516)", file,
			declared->reminder_line, REMINDER_LEAST, declared->reminder_threshold);
	return add_reminder(declared, why);
}

/* Fills in what was left out, and judges what belongs together. */
static int settle(struct declared *declared, const char *file, struct reason *why)
{
	if (!declared->address)
		return reason_set(why, "%s:%u: [subscription %s] has no address", file,
			declared->line, declared->name);
	if (declared->filter_count == 0)
		return reason_set(why, "%s:%u: [subscription %s] has no filter", file,
			declared->line, declared->name);
	if (!declared->expires_in)
		declared->expires_in = EXPIRES_DEFAULT;
	if (!declared->renew_before)
		declared->renew_before = declared->expires_in / 2 < RENEW_BEFORE_DEFAULT
			? declared->expires_in / 2 : RENEW_BEFORE_DEFAULT;
	if (declared->renew_before >= declared->expires_in)
		return reason_set(why, "%s:%u: renew_before must be shorter than expires_in (%ld)",
			file, declared->renew_before_line, declared->expires_in);
	return settle_reminder(declared, file, why);
}

static int refuse_doubles(const struct settings *settings, struct reason *why)
{
	for (size_t i = 0; i < settings->count; i++)
		for (size_t j = 0; j < i; j++)
			if (address_equal(settings->subscriptions[i].address,
			    settings->subscriptions[j].address))
				return reason_set(why, "%s:%u: [subscription %s] has the address of"
					" [subscription %s]; every event would come twice",
					settings->receiver.file,
					settings->subscriptions[i].address_line,
					settings->subscriptions[i].name,
					settings->subscriptions[j].name);
	return 0;
}

/* Of several state directories, which systemd separates by colons, the first. */
static int set_state_directory(struct settings *settings, struct reason *why)
{
	const char *value = getenv("STATE_DIRECTORY");
	char first[PATH_MAX];

	if (!value)
		return 0;
	if (strcspn(value, ":") >= sizeof first)
		return reason_set(why, "STATE_DIRECTORY: the path is too long");
	(void)snprintf(first, sizeof first, "%.*s", (int)strcspn(value, ":"), value);
	return set_path(settings->state_dir, "STATE_DIRECTORY", first, why);
}

static int take_environment(struct settings *settings, struct reason *why)
{
	const char *server = getenv("RC_SERVER_URL");
	const char *credentials = getenv("CREDENTIALS_DIRECTORY");
	struct reason what;

	if ((server && set_server(settings, "RC_SERVER_URL", server, &what) < 0)
	    || (credentials && set_path(settings->credentials, "CREDENTIALS_DIRECTORY",
		credentials, &what) < 0)
	    || set_state_directory(settings, &what) < 0)
		return reason_set(why, "environment: %s", what.text);
	return 0;
}

int settings_load(struct settings *settings, const char *file, struct reason *why)
{
	memset(settings, 0, sizeof *settings);
	strcpy(settings->server, "https://platform.ringcentral.com");
	strcpy(settings->credentials, "/etc/ringspool/credentials");
	strcpy(settings->state_dir, "/var/lib/ringspool");
	settings->timeout = TIMEOUT_DEFAULT;
	/* Once here, so that it is known where the file has a mistake, and once
	 * more behind the file, over which it wins. */
	if (set_state_directory(settings, why) < 0)
		return -1;
	if (config_load(&settings->receiver, file, why) < 0)
		return -1;
	if (settings->receiver.file[0]
	    && inifile_read(settings->receiver.file, take_setting, settings, why) != 0)
		return -1;
	if (take_environment(settings, why) < 0)
		return -1;
	for (size_t i = 0; i < settings->count; i++)
		if (settle(&settings->subscriptions[i], settings->receiver.file, why) < 0)
			return -1;
	return refuse_doubles(settings, why);
}

void settings_free(struct settings *settings)
{
	for (size_t i = 0; i < settings->count; i++) {
		struct declared *declared = &settings->subscriptions[i];

		for (size_t j = 0; j < declared->filter_count; j++)
			free(declared->filters[j]);
		free(declared->filters);
		free(declared->address);
	}
	for (size_t i = 0; i < settings->warning_count; i++)
		free(settings->warnings[i]);
	free(settings->subscriptions);
	free(settings->warnings);
	*settings = (struct settings){ 0 };
}

const struct declared *settings_find(const struct settings *settings, const char *name)
{
	for (size_t i = 0; i < settings->count; i++)
		if (strcmp(settings->subscriptions[i].name, name) == 0)
			return &settings->subscriptions[i];
	return NULL;
}
