#include "marks.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "spool_internal.h"

/* Visits the marks of one day; a day without a directory has none. */
static int visit_day(int seen, const char *name, time_t since,
	void (*visit)(void *context, time_t arrived), void *context)
{
	int fd = spool_open_directory(seen, name);
	DIR *directory = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *found;
	struct stat mark;
	int err;

	if (!directory) {
		err = errno;
		if (fd >= 0)
			close(fd);
		errno = err;
		return fd < 0 && err == ENOENT ? 0 : -1;
	}
	while ((errno = 0, found = readdir(directory)) != NULL)
		if (found->d_name[0] != '.'
		    && fstatat(fd, found->d_name, &mark, AT_SYMLINK_NOFOLLOW) == 0
		    && S_ISREG(mark.st_mode) && mark.st_mtim.tv_sec >= since)
			visit(context, mark.st_mtim.tv_sec);
	err = errno;
	closedir(directory);
	errno = err;
	return err ? -1 : 0;
}

int marks_each(struct spool *spool, time_t since,
	void (*visit)(void *context, time_t arrived), void *context,
	struct reason *why)
{
	int seen = spool_directory(spool, DIR_SEEN, why);
	long today = spool_day(time(NULL));
	char name[DAY_NAME_SIZE];

	if (seen < 0)
		return -1;
	for (long day = spool_day(since); day <= today; day++) {
		spool_day_name(name, day);
		if (visit_day(seen, name, since, visit, context) < 0)
			return reason_set(why, "spool %.200s: seen/%s: %s", spool->path,
				name, strerror(errno));
	}
	return 0;
}
