#include "selftest.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <stdarg.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "confine.h"
#include "spool.h"
#include "tokens.h"

static const char *const directories[] = { "tmp", "new", "seen", "bad", "renew" };

struct findings {
	FILE *out;
	unsigned faults;
};

__attribute__((format(printf, 3, 4)))
static void tell(struct findings *f, const char *kind, const char *format, ...)
{
	va_list args;

	if (strcmp(kind, "fault") == 0)
		f->faults++;
	fprintf(f->out, "%s: ", kind);
	va_start(args, format);
	vfprintf(f->out, format, args);
	va_end(args);
	fputc('\n', f->out);
}

static const char *user_name(uid_t id)
{
	const struct passwd *user = getpwuid(id);

	return user ? user->pw_name : "?";
}

static const char *group_name(gid_t id)
{
	const struct group *group = getgrgid(id);

	return group ? group->gr_name : "?";
}

/* A directory that the receivers made, or will make when first needed.
 * Whether it is there. */
static bool test_below(struct findings *f, const char *spool, int root,
	const struct stat *above, const char *name)
{
	struct stat status;

	if (fstatat(root, name, &status, AT_SYMLINK_NOFOLLOW) < 0)
		return false;
	if (status.st_mode & S_IRWXO)
		tell(f, "fault", "%s/%s: is open to everybody (%04o); chmod 2770",
			spool, name, (unsigned)status.st_mode & 07777);
	if (status.st_gid != above->st_gid || !(status.st_mode & S_ISGID))
		tell(f, "warning", "%s/%s: is %04o with the group %s; chgrp %s and chmod 2770,"
			" or consumers may not get at the files", spool, name,
			(unsigned)status.st_mode & 07777, group_name(status.st_gid),
			group_name(above->st_gid));
	return true;
}

/* Does what a receiver does, as far as it changes nothing.  Where that works,
 * *low says whether too little space is left; else it is empty. */
static int try_spool(const struct config *config, const char *path, int root,
	bool complete, struct reason *why, struct reason *low)
{
	struct spool *spool;
	int result;

	low->text[0] = '\0';
	if (!complete)
		return faccessat(root, ".", R_OK | W_OK | X_OK, AT_EACCESS) == 0 ? 0
			: reason_set(why, "spool %.200s: %s", path, strerror(errno));
	spool = spool_open(path, config->seen_days, why);
	if (!spool)
		return -1;
	result = spool_check(spool, 0, why);
	if (result == 0)
		(void)spool_check(spool, config->min_free, low);
	spool_close(spool);
	return result;
}

static void tell_unusable(struct findings *f, const struct stat *spool,
	const struct reason *why)
{
	tell(f, "fault", "%s; it is %04o %s:%s%s", why->text, (unsigned)spool->st_mode & 07777,
		user_name(spool->st_uid), group_name(spool->st_gid),
		strstr(why->text, strerror(EACCES)) ? ": is this user in that group?" : "");
}

static void test_spool(struct findings *f, const struct config *config,
	const char *path)
{
	int root = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct stat status;
	struct reason why, low;
	bool complete;

	if (root < 0) {
		/* For its words: it cannot be opened. */
		spool_close(spool_open(path, config->seen_days, &why));
		if (stat(path, &status) == 0)
			tell_unusable(f, &status, &why);
		else
			tell(f, "fault", "%s", why.text);
		return;
	}
	(void)fstat(root, &status);	/* cannot fail on an open one */
	complete = faccessat(root, "lock", F_OK, AT_SYMLINK_NOFOLLOW) == 0;
	for (size_t i = 0; i < sizeof directories / sizeof directories[0]; i++)
		complete &= test_below(f, path, root, &status, directories[i]);
	if (try_spool(config, path, root, complete, &why, &low) < 0) {
		tell_unusable(f, &status, &why);
	} else {
		tell(f, "ok", "%s: %04o %s:%s, usable", path,
			(unsigned)status.st_mode & 07777, user_name(status.st_uid),
			group_name(status.st_gid));
		if (low.text[0])
			tell(f, "warning", "%s", low.text);
	}
	if ((status.st_mode & 02070) != 02070)
		tell(f, "warning", "%s: is not 2770, so other users of the group %s"
			" (consumer, renewal) cannot share it", path, group_name(status.st_gid));
	if (strncmp(path, "/tmp/", 5) == 0 || strncmp(path, "/var/tmp/", 9) == 0)
		tell(f, "warning", "%s: is below a directory that is cleaned, and private"
			" to each systemd service with PrivateTmp", path);
	close(root);
}

static void test_fallback(struct findings *f, const struct config *config)
{
	struct stat spool, fallback;

	test_spool(f, config, config->fallback_spool);
	if (stat(config->spool, &spool) < 0 || stat(config->fallback_spool, &fallback) < 0
	    || spool.st_dev != fallback.st_dev)
		return;
	if (spool.st_ino == fallback.st_ino)
		tell(f, "fault", "%s: is the spool itself; remove fallback_spool, or name"
			" another directory", config->fallback_spool);
	else
		tell(f, "warning", "%s: is on the same file system as the spool, and would"
			" fail with it", config->fallback_spool);
}

static void test_tokens(struct findings *f, const char *path)
{
	struct reason why, complaint;
	struct tokens tokens;

	if (tokens_read(&tokens, path, &why, &complaint) < 0) {
		tell(f, "fault", "%s", why.text);
		return;
	}
	if (complaint.text[0])
		tell(f, "fault", "%s", complaint.text);
	tell(f, "ok", "%s: verification tokens: %u", path, tokens.count);
	tokens_free(&tokens);
}

static void test_confinement(struct findings *f)
{
	int version = confine_version();

	if (version > 0)
		tell(f, "ok", "confined by Landlock, version %d", version);
	else
		tell(f, "warning", "no Landlock here (Linux 5.19 and later): whoever takes the"
			" process over can do all that its user can");
}

unsigned selftest(const struct config *config, FILE *out)
{
	struct findings f = { .out = out };

	config_print(config, out);
	fprintf(out, "tested as the user %s\n", user_name(geteuid()));
	test_spool(&f, config, config->spool);
	if (config->fallback_spool[0])
		test_fallback(&f, config);
	if (config->verification_tokens[0])
		test_tokens(&f, config->verification_tokens);
	else
		tell(&f, "warning", "no verification_tokens: any sender may deliver");
	if (CONFINE_POSSIBLE && config->confine)
		test_confinement(&f);
	return f.faults;
}
