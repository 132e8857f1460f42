#include "selftest.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <stdarg.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

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

/* One of the directories below a spool; they are made when first needed. */
static void test_below(struct findings *f, const char *spool, int root,
	const struct stat *above, const char *name)
{
	struct stat status;

	if (fstatat(root, name, &status, AT_SYMLINK_NOFOLLOW) < 0) {
		if (errno != ENOENT)
			tell(f, "fault", "%s/%s: %s", spool, name, strerror(errno));
	} else if (!S_ISDIR(status.st_mode)) {
		tell(f, "fault", "%s/%s: is not a directory; remove it", spool, name);
	} else if (faccessat(root, name, R_OK | W_OK | X_OK, AT_EACCESS) < 0) {
		tell(f, "fault", "%s/%s: %s (%04o %s:%s); is this user in that group?",
			spool, name, strerror(errno), (unsigned)status.st_mode & 07777,
			user_name(status.st_uid), group_name(status.st_gid));
	} else if (status.st_mode & S_IRWXO) {
		tell(f, "fault", "%s/%s: is open to everybody (%04o); chmod 2770",
			spool, name, (unsigned)status.st_mode & 07777);
	} else if (status.st_gid != above->st_gid) {
		tell(f, "warning", "%s/%s: has the group %s, not %s; chgrp it",
			spool, name, group_name(status.st_gid), group_name(above->st_gid));
	}
}

static void test_lock(struct findings *f, const char *spool, int root)
{
	int fd = openat(root, "lock", O_RDWR | O_NOFOLLOW | O_CLOEXEC);

	if (fd >= 0)
		close(fd);
	else if (errno != ENOENT)
		tell(f, "fault", "%s/lock: %s; it must be a file, 0660, of the spool's group",
			spool, strerror(errno));
}

static void test_free_space(struct findings *f, const struct config *config,
	const char *spool, int root)
{
	struct statvfs fs;
	unsigned long long free_bytes;

	if (fstatvfs(root, &fs) < 0)
		return;
	free_bytes = (unsigned long long)fs.f_bavail * fs.f_frsize;
	if (fs.f_flag & ST_RDONLY)
		tell(f, "fault", "%s: the file system is read-only", spool);
	else if (free_bytes < config->min_free)
		tell(f, "warning", "%s: only %llu MiB are free, less than min_free",
			spool, free_bytes >> 20);
}

static void test_spool(struct findings *f, const struct config *config,
	const char *spool)
{
	unsigned faults = f->faults;
	int root = open(spool, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct stat status;

	if (root < 0 || fstat(root, &status) < 0) {
		tell(f, "fault", "%s: %s%s%s", spool, strerror(errno), errno == ENOENT
			? "; make it with: install -d -o root -g ringspool -m 2770 " : "",
			errno == ENOENT ? spool : "");
		return;
	}
	if (faccessat(root, ".", R_OK | W_OK | X_OK, AT_EACCESS) < 0)
		tell(f, "fault", "%s: %s (%04o %s:%s); is this user in that group?",
			spool, strerror(errno), (unsigned)status.st_mode & 07777,
			user_name(status.st_uid), group_name(status.st_gid));
	if (status.st_mode & S_IWOTH)
		tell(f, "fault", "%s: is writable by everybody; chmod o-w", spool);
	if ((status.st_mode & 02070) != 02070)
		tell(f, "warning", "%s: is not 2770, so other users of the group %s"
			" (consumer, renewal) cannot share it", spool, group_name(status.st_gid));
	for (size_t i = 0; i < sizeof directories / sizeof directories[0]; i++)
		test_below(f, spool, root, &status, directories[i]);
	test_lock(f, spool, root);
	test_free_space(f, config, spool, root);
	if (strncmp(spool, "/tmp/", 5) == 0 || strncmp(spool, "/var/tmp/", 9) == 0)
		tell(f, "warning", "%s: is below a directory that is cleaned, and private"
			" to each systemd service with PrivateTmp", spool);
	if (f->faults == faults)
		tell(f, "ok", "%s: %04o %s:%s, usable", spool,
			(unsigned)status.st_mode & 07777, user_name(status.st_uid),
			group_name(status.st_gid));
	close(root);
}

static void test_fallback(struct findings *f, const struct config *config)
{
	struct stat spool, fallback;

	test_spool(f, config, config->fallback_spool);
	if (stat(config->spool, &spool) == 0 && stat(config->fallback_spool, &fallback) == 0
	    && spool.st_dev == fallback.st_dev)
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
	return f.faults;
}
