#include "config.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "inifile.h"

enum { FROM_DEFAULT = 0, FROM_ENVIRONMENT = -1 };

struct setting {
	const char *key;		/* in [receiver] */
	const char *variable;		/* in the environment */
	const char *initial;		/* NULL: empty */
	int (*parse)(const char *value, void *field, struct reason *why);
	void (*print)(const void *field, FILE *out);
	size_t offset;			/* of the field in struct config */
};

static int parse_path(const char *value, void *field, struct reason *why)
{
	if (value[0] != '/')
		return reason_set(why, "needs an absolute path");
	if (strlen(value) >= CONFIG_PATH_SIZE)
		return reason_set(why, "the path is longer than %d bytes", CONFIG_PATH_SIZE - 1);
	strcpy(field, value);	/* fits: checked above */
	return 0;
}

static void print_path(const void *field, FILE *out)
{
	const char *path = field;

	fputs(path[0] ? path : "none", out);
}

static int parse_number(const char *value, uint64_t least, uint64_t most,
	uint64_t *number, const char **rest)
{
	char *end;

	if (!isdigit((unsigned char)value[0]))
		return -1;
	errno = 0;
	*number = strtoull(value, &end, 10);
	*rest = end;
	return errno || *number < least || *number > most ? -1 : 0;
}

static int parse_size(const char *value, void *field, struct reason *why)
{
	static const char units[] = "KMG";
	const uint64_t most = UINT64_C(1) << 40;
	const char *rest, *unit;
	uint64_t number;

	if (parse_number(value, 0, most, &number, &rest) < 0)
		goto refuse;
	unit = *rest ? strchr(units, *rest) : NULL;
	if (*rest && (!unit || rest[1]))
		goto refuse;
	if (unit && number > most >> 10 * (unit - units + 1))
		goto refuse;
	if (unit)
		number <<= 10 * (unit - units + 1);
	memcpy(field, &number, sizeof number);
	return 0;
refuse:
	return reason_set(why,
		"needs a number of bytes up to 1024G; K, M or G may follow (as in 16M)");
}

static int parse_body_size(const char *value, void *field, struct reason *why)
{
	uint64_t size;

	if (parse_size(value, &size, why) < 0)
		return -1;
	if (size < 1024 || size > UINT64_C(1) << 30)
		return reason_set(why, "needs a size from 1K to 1G");
	memcpy(field, &size, sizeof size);
	return 0;
}

static void print_size(const void *field, FILE *out)
{
	static const char *const units[] = { "", "K", "M", "G" };
	uint64_t size;
	size_t unit = 0;

	memcpy(&size, field, sizeof size);
	while (unit < 3 && size && size % 1024 == 0) {
		size /= 1024;
		unit++;
	}
	fprintf(out, "%" PRIu64 "%s", size, units[unit]);
}

static int parse_bounded(const char *value, unsigned most, const char *unit,
	void *field, struct reason *why)
{
	const char *rest;
	uint64_t number;
	unsigned result;

	if (parse_number(value, 1, most, &number, &rest) < 0 || *rest)
		return reason_set(why, "needs a number of %s from 1 to %u", unit, most);
	result = (unsigned)number;
	memcpy(field, &result, sizeof result);
	return 0;
}

static int parse_days(const char *value, void *field, struct reason *why)
{
	return parse_bounded(value, 30, "days", field, why);
}

static int parse_seconds(const char *value, void *field, struct reason *why)
{
	return parse_bounded(value, 600, "seconds", field, why);
}

static void print_unsigned(const void *field, FILE *out)
{
	unsigned value;

	memcpy(&value, field, sizeof value);
	fprintf(out, "%u", value);
}

static const char *const destinations[] = {
	[LOG_TO_STDERR] = "stderr", [LOG_TO_SYSLOG] = "syslog", NULL
};
static const char *const levels[] = {
	"error", "warning", "notice", "info", "debug", NULL
};
static const int level_values[] = {
	LOG_ERR, LOG_WARNING, LOG_NOTICE, LOG_INFO, LOG_DEBUG
};

static int find_word(const char *const *words, const char *value)
{
	for (int i = 0; words[i]; i++)
		if (strcmp(words[i], value) == 0)
			return i;
	return -1;
}

static int parse_destination(const char *value, void *field, struct reason *why)
{
	int found = find_word(destinations, value);
	enum log_destination destination;

	if (found < 0)
		return reason_set(why, "needs stderr or syslog");
	destination = (enum log_destination)found;
	memcpy(field, &destination, sizeof destination);
	return 0;
}

static void print_destination(const void *field, FILE *out)
{
	enum log_destination destination;

	memcpy(&destination, field, sizeof destination);
	fputs(destinations[destination], out);
}

static int parse_level(const char *value, void *field, struct reason *why)
{
	int found = find_word(levels, value);

	if (found < 0)
		return reason_set(why, "needs error, warning, notice, info or debug");
	memcpy(field, &level_values[found], sizeof level_values[found]);
	return 0;
}

static void print_level(const void *field, FILE *out)
{
	int level;

	memcpy(&level, field, sizeof level);
	for (size_t i = 0; levels[i]; i++)
		if (level_values[i] == level)
			fputs(levels[i], out);
}

static int parse_switch(const char *value, void *field, struct reason *why)
{
	bool on = strcmp(value, "yes") == 0;

	if (!on && strcmp(value, "no") != 0)
		return reason_set(why, "needs yes or no");
	memcpy(field, &on, sizeof on);
	return 0;
}

static void print_switch(const void *field, FILE *out)
{
	bool on;

	memcpy(&on, field, sizeof on);
	fputs(on ? "yes" : "no", out);
}

#define FIELD(member) offsetof(struct config, member)

static const struct setting settings[CONFIG_SETTINGS] = {
	{ "spool", "RINGSPOOL_SPOOL", "/var/spool/ringspool",
		parse_path, print_path, FIELD(spool) },
	{ "verification_tokens", "RINGSPOOL_VERIFICATION_TOKENS", NULL,
		parse_path, print_path, FIELD(verification_tokens) },
	{ "max_body", "RINGSPOOL_MAX_BODY", "16M",
		parse_body_size, print_size, FIELD(max_body) },
	{ "min_free", "RINGSPOOL_MIN_FREE", "64M",
		parse_size, print_size, FIELD(min_free) },
	{ "fallback_spool", "RINGSPOOL_FALLBACK_SPOOL", NULL,
		parse_path, print_path, FIELD(fallback_spool) },
	{ "seen_days", "RINGSPOOL_SEEN_DAYS", "3",
		parse_days, print_unsigned, FIELD(seen_days) },
	{ "request_timeout", "RINGSPOOL_REQUEST_TIMEOUT", "10",
		parse_seconds, print_unsigned, FIELD(request_timeout) },
	{ "log", "RINGSPOOL_LOG", "stderr",
		parse_destination, print_destination, FIELD(log) },
	{ "log_level", "RINGSPOOL_LOG_LEVEL", "info",
		parse_level, print_level, FIELD(log_level) },
	{ "confine", "RINGSPOOL_CONFINE", "yes",
		parse_switch, print_switch, FIELD(confine) },
};

static void *field_of(struct config *config, const struct setting *setting)
{
	return (char *)config + setting->offset;
}

static int apply(struct config *config, size_t i, int origin, const char *value,
	struct reason *why)
{
	config->origin[i] = origin;
	return settings[i].parse(value, field_of(config, &settings[i]), why);
}

int config_is_foreign_section(const char *section)
{
	return strcmp(section, "platform") == 0
		|| strncmp(section, "subscription ", strlen("subscription ")) == 0;
}

static int take_setting(void *context, unsigned line, const char *section,
	const char *key, const char *value, struct reason *why)
{
	struct config *config = context;
	struct reason complaint;

	if (config_is_foreign_section(section))
		return 0;
	if (strcmp(section, "receiver") != 0)
		return reason_set(why, "unknown section [%.49s]; known are [receiver],"
			" [platform] and [subscription NAME]", section);
	for (size_t i = 0; i < CONFIG_SETTINGS; i++) {
		if (strcmp(settings[i].key, key) != 0)
			continue;
		if (config->origin[i] > 0)
			return reason_set(why, "%s was already set in line %d",
				key, config->origin[i]);
		if (apply(config, i, (int)line, value, &complaint) < 0)
			return reason_set(why, "%s %s", key, complaint.text);
		return 0;
	}
	return reason_set(why, "unknown key %.80s in [receiver]", key);
}

static int take_environment(struct config *config, struct reason *why)
{
	for (size_t i = 0; i < CONFIG_SETTINGS; i++) {
		const char *value = getenv(settings[i].variable);
		struct reason complaint;

		if (value && apply(config, i, FROM_ENVIRONMENT, value, &complaint) < 0)
			return reason_set(why, "environment: %s %s",
				settings[i].variable, complaint.text);
	}
	return 0;
}

int config_load(struct config *config, const char *file, struct reason *why)
{
	bool optional = false;
	struct reason missing, ignored;
	int result;

	memset(config, 0, sizeof *config);
	for (size_t i = 0; i < CONFIG_SETTINGS; i++)
		if (settings[i].initial
		    && apply(config, i, FROM_DEFAULT, settings[i].initial, why) < 0)
			return -1;
	if (!file)
		file = getenv("RINGSPOOL_CONFIG");
	if (!file) {
		file = CONFIG_DEFAULT_FILE;
		optional = getenv("RINGSPOOL_SPOOL") != NULL;
	}
	if (strlen(file) >= sizeof config->file)
		return reason_set(why, "the configuration file's path is too long");
	result = inifile_read(file, take_setting, config, why);
	if (result > 0 && !optional) {
		missing = *why;
		result = reason_set(why, "%s; make it, or set RINGSPOOL_SPOOL and name no file",
			missing.text);
	}
	if (result < 0) {
		/* So that the complaint is logged where the environment says. */
		(void)take_environment(config, &ignored);
		return -1;
	}
	if (result == 0)
		strcpy(config->file, file);	/* fits: checked above */
	return take_environment(config, why);
}

void config_print(const struct config *config, FILE *out)
{
	fprintf(out, "configuration file: %s\n",
		config->file[0] ? config->file : "none (" CONFIG_DEFAULT_FILE " is absent)");
	for (size_t i = 0; i < CONFIG_SETTINGS; i++) {
		const char *field = (const char *)config + settings[i].offset;

		fprintf(out, "%s = ", settings[i].key);
		settings[i].print(field, out);
		if (config->origin[i] > 0)
			fprintf(out, "  (line %d)\n", config->origin[i]);
		else
			fprintf(out, "  (%s)\n", config->origin[i] == FROM_ENVIRONMENT
				? settings[i].variable : "default");
	}
}
