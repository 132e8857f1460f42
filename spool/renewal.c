#include "renewal.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "inifile.h"
#include "states.h"

enum {
	STATUS_VERSION = 1,
	STATUS_SIZE_MAX = 1 << 20,
	SUBSCRIPTIONS_MAX = 1000
};

static const char file_name[] = "status.json";

static int set_path(struct renewal *renewal, const char *directory, struct reason *why)
{
	int length = snprintf(renewal->path, sizeof renewal->path, "%s/%s", directory,
		file_name);

	return length < (int)sizeof renewal->path ? 0
		: reason_set(why, "state_dir is too long");
}

struct locating {
	struct renewal *renewal;
	char section[64];		/* the last [subscription NAME] met */
};

/* ringspool-renew(8) judges its own keys; here only two things matter. */
static int take_setting(void *context, unsigned line, const char *section,
	const char *key, const char *value, struct reason *why)
{
	struct locating *locating = context;

	(void)line;
	if (strcmp(section, "platform") == 0 && strcmp(key, "state_dir") == 0 && *value)
		return set_path(locating->renewal, value, why);
	if (strncmp(section, "subscription ", strlen("subscription ")) == 0
	    && strcmp(section, locating->section) != 0) {
		(void)snprintf(locating->section, sizeof locating->section, "%s", section);
		locating->renewal->declared++;
	}
	return 0;
}

static int locate(struct renewal *renewal, const char *config_file, const char *path,
	struct reason *why)
{
	struct locating locating = { .renewal = renewal };

	if (set_path(renewal, "/var/lib/ringspool", why) < 0)
		return -1;
	if (config_file[0] && inifile_read(config_file, take_setting, &locating, why) < 0)
		return -1;
	if (!path)
		return 0;
	if (strlen(path) >= sizeof renewal->path)
		return reason_set(why, "the path of %s is too long", file_name);
	strcpy(renewal->path, path);	/* fits: checked above */
	return 0;
}

static const cJSON *member(const cJSON *object, const char *name)
{
	return cJSON_GetObjectItemCaseSensitive(object, name);
}

static void copy_text(char *out, size_t size, const cJSON *object, const char *name)
{
	const char *value = cJSON_GetStringValue(member(object, name));

	(void)snprintf(out, size, "%s", value ? value : "");
}

/* A moment as ringspool-renew writes it; 0 for anything else. */
static time_t read_time(const cJSON *object, const char *name)
{
	const char *text = cJSON_GetStringValue(member(object, name));
	struct tm utc = { 0 };
	const char *rest = text ? strptime(text, "%Y-%m-%dT%H:%M:%SZ", &utc) : NULL;
	time_t moment = rest && *rest == '\0' ? timegm(&utc) : 0;

	return moment > 0 ? moment : 0;
}

static void read_error(const cJSON *object, char *code, size_t code_size, char *error,
	size_t error_size)
{
	const cJSON *json = member(object, "error");

	copy_text(code, code_size, json, "code");
	copy_text(error, error_size, json, "text");
}

static void read_subscription(struct subscription *subscription, const cJSON *json)
{
	const cJSON *disabled = member(json, "disabled_filters");

	copy_text(subscription->name, sizeof subscription->name, json, "name");
	copy_text(subscription->status, sizeof subscription->status, json, "status");
	subscription->expires = read_time(json, "expires_at");
	subscription->last_good = read_time(json, "last_good_run");
	read_error(json, subscription->code, sizeof subscription->code,
		subscription->error, sizeof subscription->error);
	if (cJSON_IsArray(disabled))
		subscription->disabled_filters = (size_t)cJSON_GetArraySize(disabled);
}

static int take_document(struct renewal *renewal, const cJSON *json, struct reason *why)
{
	const cJSON *version = member(json, "version");
	const cJSON *list = member(json, "subscriptions"), *item;
	int count = cJSON_IsArray(list) ? cJSON_GetArraySize(list) : 0;

	if (!cJSON_IsNumber(version) || version->valueint != STATUS_VERSION)
		return reason_set(why, "is not of version %d", STATUS_VERSION);
	if (count > SUBSCRIPTIONS_MAX)
		return reason_set(why, "more than %d subscriptions", SUBSCRIPTIONS_MAX);
	renewal->run = read_time(json, "run_at");
	renewal->last_good = read_time(json, "last_good_run");
	if (cJSON_IsNumber(member(json, "exit_status")))
		renewal->exit_status = member(json, "exit_status")->valueint;
	read_error(json, renewal->code, sizeof renewal->code, renewal->error,
		sizeof renewal->error);
	renewal->subscriptions = calloc((size_t)count + 1, sizeof *renewal->subscriptions);
	if (!renewal->subscriptions)
		return reason_set(why, "out of memory");
	cJSON_ArrayForEach(item, list)
		read_subscription(&renewal->subscriptions[renewal->count++], item);
	renewal->present = true;
	return 0;
}

/* One object, and nothing behind it. */
static int parse(struct renewal *renewal, const char *text, size_t size,
	struct reason *why)
{
	const char *end = "";
	cJSON *json = memchr(text, '\0', size) ? NULL
		: cJSON_ParseWithLengthOpts(text, size, &end, 0);
	int result = cJSON_IsObject(json) && end[strspn(end, " \t\r\n")] == '\0'
		? take_document(renewal, json, why) : reason_set(why, "is no JSON object");

	cJSON_Delete(json);
	return result;
}

/* Reads an open file, if it is one and of a size that makes sense. */
static int read_file(struct renewal *renewal, int fd, struct reason *why)
{
	struct stat status;
	size_t size;
	char *text;
	int result;

	if (fstat(fd, &status) < 0 || !S_ISREG(status.st_mode)
	    || status.st_size > STATUS_SIZE_MAX)
		return reason_set(why, "is no file of at most %d MiB", STATUS_SIZE_MAX >> 20);
	text = states_read(fd, &size, why);
	if (!text)
		return -1;
	result = parse(renewal, text, size, why);
	free(text);
	return result;
}

static int read_status(struct renewal *renewal, struct reason *why)
{
	struct reason what;
	int fd, result;

	/* O_NONBLOCK: a FIFO in its place must not hang us. */
	fd = open(renewal->path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOENT ? 0
			: reason_set(why, "%.300s: %s", renewal->path, strerror(errno));
	result = read_file(renewal, fd, &what);
	close(fd);
	if (result < 0)
		reason_set(why, "%.200s: %.200s", renewal->path, what.text);
	return result;
}

int renewal_read(struct renewal *renewal, const char *config_file, const char *path,
	struct reason *why)
{
	*renewal = (struct renewal){ .declared = 0 };
	if (locate(renewal, config_file, path, why) == 0 && read_status(renewal, why) == 0)
		return 0;
	(void)snprintf(renewal->trouble, sizeof renewal->trouble, "%.200s", why->text);
	return -1;
}

void renewal_free(struct renewal *renewal)
{
	free(renewal->subscriptions);
	renewal->subscriptions = NULL;
}

bool subscription_is_active(const struct subscription *subscription)
{
	return strcmp(subscription->status, "Active") == 0;
}
