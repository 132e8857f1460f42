#include "output.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* DIRECTORY/.NAME.XXXXXX */
static int name_temporary(struct output *output, const char *path, struct reason *why)
{
	const char *slash = strrchr(path, '/');
	const char *name = slash ? slash + 1 : path;
	int length = snprintf(output->temporary, sizeof output->temporary,
		"%.*s.%s.XXXXXX", (int)(name - path), path, name);

	if (name[0] == '\0')
		return reason_set(why, "%.300s: is a directory", path);
	return length < (int)sizeof output->temporary ? 0
		: reason_set(why, "the file's path is too long");
}

int output_begin(struct output *output, const char *path, struct reason *why)
{
	int fd;

	*output = (struct output){ .file = stdout, .path = path };
	if (!path)
		return 0;
	if (name_temporary(output, path, why) < 0)
		return -1;
	fd = mkostemp(output->temporary, O_CLOEXEC);
	if (fd < 0)
		return reason_set(why, "%.300s: %s", path, strerror(errno));
	output->file = fdopen(fd, "w");
	if (!output->file || fchmod(fd, 0644) < 0) {
		reason_set(why, "%.300s: %s", path, strerror(errno));
		if (!output->file)
			close(fd);
		output_abandon(output);
		return -1;
	}
	return 0;
}

void output_abandon(struct output *output)
{
	if (!output->path)
		return;
	if (output->file)
		(void)fclose(output->file);
	output->file = NULL;
	(void)unlink(output->temporary);
}

/* Closes the new file; 0 when all of it is written. */
static int finish(struct output *output)
{
	FILE *file = output->file;
	int written = fflush(file) == 0 && !ferror(file) && fsync(fileno(file)) == 0
		? 0 : -1;
	int err = errno;

	output->file = NULL;
	if (fclose(file) == 0 && written == 0)
		return 0;
	errno = err;
	return -1;
}

int output_commit(struct output *output, struct reason *why)
{
	if (!output->path)
		return fflush(stdout) == 0 && !ferror(stdout) ? 0
			: reason_set(why, "standard output: %s", strerror(errno));
	if (finish(output) < 0 || rename(output->temporary, output->path) < 0) {
		reason_set(why, "%.300s: %s", output->path, strerror(errno));
		output_abandon(output);
		return -1;
	}
	return 0;
}
