#include "confine.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <linux/landlock.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum {
	/* Before its second version (Linux 5.19) nothing may be renamed or linked
	 * from one directory to another, as a spool without O_TMPFILE needs. */
	VERSION_LEAST = 2,
	VERSION_TRUNCATE = 3,
	VERSION_NETWORK = 4,
	VERSION_DEVICES = 5,
	VERSION_SCOPES = 6
};

/* What linux/landlock.h of Debian 12 does not know yet. */
#define FS_TRUNCATE (UINT64_C(1) << 14)
#define FS_IOCTL_DEV (UINT64_C(1) << 15)
#define NET_BIND_TCP (UINT64_C(1) << 0)
#define NET_CONNECT_TCP (UINT64_C(1) << 1)
#define SCOPE_ABSTRACT_UNIX_SOCKET (UINT64_C(1) << 0)
#define SCOPE_SIGNAL (UINT64_C(1) << 1)

/* landlock_ruleset_attr as it is today: an older kernel takes it if what it
 * does not know is 0. */
struct handled {
	uint64_t fs, net, scoped;
};

static const uint64_t all_of_version_2 = (LANDLOCK_ACCESS_FS_REFER << 1) - 1;
static const uint64_t for_spool = LANDLOCK_ACCESS_FS_READ_DIR
	| LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_MAKE_REG
	| LANDLOCK_ACCESS_FS_MAKE_DIR | LANDLOCK_ACCESS_FS_REMOVE_FILE
	| LANDLOCK_ACCESS_FS_REMOVE_DIR | LANDLOCK_ACCESS_FS_REFER;

int confine_version(void)
{
	int version = (int)syscall(SYS_landlock_create_ruleset, NULL, 0,
		LANDLOCK_CREATE_RULESET_VERSION);

	return version < VERSION_LEAST ? 0 : version;
}

static int make_ruleset(int version)
{
	struct handled handled = { .fs = all_of_version_2 };

	if (version >= VERSION_TRUNCATE)
		handled.fs |= FS_TRUNCATE;
	if (version >= VERSION_NETWORK)
		handled.net = NET_BIND_TCP | NET_CONNECT_TCP;
	if (version >= VERSION_DEVICES)
		handled.fs |= FS_IOCTL_DEV;
	if (version >= VERSION_SCOPES)
		handled.scoped = SCOPE_ABSTRACT_UNIX_SOCKET | SCOPE_SIGNAL;
	return (int)syscall(SYS_landlock_create_ruleset, &handled, sizeof handled, 0);
}

struct rules {
	int ruleset;
	bool alone;
};

/* Allows `access` below a directory; nothing where there is none.  One that
 * cannot be opened for another reason may be a moment later: who is alone,
 * rather than lose an event by that, is not confined. */
static int allow(const struct rules *rules, const char *directory, uint64_t access)
{
	int fd = open(directory, O_PATH | O_DIRECTORY | O_CLOEXEC), result;
	struct landlock_path_beneath_attr rule = { .allowed_access = access,
		.parent_fd = fd };

	if (fd < 0)
		return rules->alone && errno != ENOENT ? -1 : 0;
	result = (int)syscall(SYS_landlock_add_rule, rules->ruleset,
		LANDLOCK_RULE_PATH_BENEATH, &rule, 0);
	close(fd);
	return result;
}

static int allow_beside(const struct rules *rules, char *file)
{
	return allow(rules, dirname(file), LANDLOCK_ACCESS_FS_READ_FILE);
}

/* The directory and not the file, which may be replaced by another; and where
 * the file is a link, the directory of what it leads to. */
static int allow_file(const struct rules *rules, const char *file)
{
	char path[CONFIG_PATH_SIZE], *real;
	int result;

	if (readlink(file, path, sizeof path) >= 0 && (real = realpath(file, NULL)) != NULL) {
		result = allow_beside(rules, real);
		free(real);
		if (result < 0)
			return -1;
	}
	strcpy(path, file);	/* fits: config_load() saw to it */
	return allow_beside(rules, path);
}

static int add_rules(const struct rules *rules, const struct config *config)
{
	if (allow(rules, config->spool, for_spool) < 0)
		return -1;
	if (config->fallback_spool[0] && allow(rules, config->fallback_spool, for_spool) < 0)
		return -1;
	if (config->verification_tokens[0])
		return allow_file(rules, config->verification_tokens);
	return 0;
}

int confine(const struct config *config, bool alone, struct reason *why)
{
	int version = confine_version();
	struct rules rules = { .alone = alone };
	int result;

	if (version == 0)
		return reason_set(why, "no Landlock of version %d or later (Linux 5.19) here",
			VERSION_LEAST);
	if (config->log == LOG_TO_SYSLOG)
		tzset();	/* reads the time zone's file, as syslog(3) would */
	rules.ruleset = make_ruleset(version);
	if (rules.ruleset < 0)
		return reason_set(why, "landlock_create_ruleset: %s", strerror(errno));
	result = add_rules(&rules, config);
	if (result == 0)
		result = prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	if (result == 0)
		result = (int)syscall(SYS_landlock_restrict_self, rules.ruleset, 0);
	if (result < 0)
		reason_set(why, "Landlock: %s", strerror(errno));
	close(rules.ruleset);
	return result;
}

bool confine_outgrown(const char *path)
{
	int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);

	if (fd >= 0)
		close(fd);
	/* access(2) asks the file's mode alone, open(2) Landlock as well. */
	return fd < 0 && errno == EACCES
		&& faccessat(AT_FDCWD, path, R_OK, AT_EACCESS) == 0;
}
