#include "ground.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sanitizer/common_interface_defs.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum { CAPTURED_MOST = 1 << 20 };

static char root[PATH_MAX / 2];

/* Where standard output and error really go, and the memory they go to. */
static int real[3] = { -1, -1, -1 };
static int memory = -1;
static bool captured[3];
static char output[CAPTURED_MOST + 1];

void ground_broken(const char *promise, const char *file, int line)
{
	if (real[STDERR_FILENO] >= 0)
		(void)dup2(real[STDERR_FILENO], STDERR_FILENO);
	dprintf(STDERR_FILENO, "%s\n%s:%d: broken: %s\n", output, file, line, promise);
	abort();
}

void ground_make(void)
{
	const char *parent = getenv("TMPDIR");

	(void)snprintf(root, sizeof root, "%s/fuzz-XXXXXX", parent ? parent : "/tmp");
	require(mkdtemp(root) != NULL);
	umask(0007);
}

const char *ground_path(const char *format, ...)
{
	static char buffers[8][PATH_MAX];
	static unsigned next;
	char *path = buffers[next++ % 8];
	size_t length = (size_t)snprintf(path, PATH_MAX, "%s/", root);
	va_list args;

	va_start(args, format);
	require(vsnprintf(path + length, PATH_MAX - length, format, args)
		< (int)(PATH_MAX - length));
	va_end(args);
	return path;
}

void ground_directory(const char *path, mode_t mode)
{
	require(mkdir(path, 0700) == 0 && chmod(path, mode) == 0);
}

void ground_write(const char *path, const void *bytes, size_t size, mode_t mode)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	require(fd >= 0 && write(fd, bytes, size) == (ssize_t)size && fchmod(fd, mode) == 0);
	close(fd);
}

size_t ground_harvest(const char *directory,
	void (*visit)(const char *path, const char *name, const void *context),
	const void *context)
{
	DIR *open_directory = opendir(directory);
	struct dirent *entry;
	size_t count = 0;

	if (!open_directory) {
		require(errno == ENOENT);
		return 0;
	}
	while ((entry = readdir(open_directory)) != NULL) {
		char path[PATH_MAX];

		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
			continue;
		require(snprintf(path, sizeof path, "%s/%s", directory, entry->d_name)
			< (int)sizeof path);
		if (entry->d_type == DT_DIR) {
			count += ground_harvest(path, visit, context);
			continue;
		}
		if (visit)
			visit(path, entry->d_name, context);
		require(unlink(path) == 0);
		count++;
	}
	closedir(open_directory);
	return count;
}

char *ground_read(const char *path, size_t *size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat status;
	char *text;

	require(fd >= 0 && fstat(fd, &status) == 0);
	*size = (size_t)status.st_size;
	text = malloc(*size + 1);
	require(text != NULL && read(fd, text, *size) == status.st_size);
	text[*size] = '\0';
	close(fd);
	return text;
}

bool ground_holds(const char *path, const void *bytes, size_t size)
{
	size_t length;
	char *held = ground_read(path, &length);
	bool same = length == size && memcmp(held, bytes, size) == 0;

	free(held);
	return same;
}

static void divert(int fd)
{
	if (real[fd] < 0)
		real[fd] = fcntl(fd, F_DUPFD_CLOEXEC, 10);
	require(real[fd] >= 0 && dup2(memory, fd) == fd);
	captured[fd] = true;
}

void ground_capture(bool both)
{
	if (memory < 0) {
		memory = memfd_create("captured", MFD_CLOEXEC);
		require(memory >= 0 && fcntl(memory, F_SETFL, O_APPEND) == 0);
	}
	require(ftruncate(memory, 0) == 0);
	divert(STDERR_FILENO);
	if (both)
		divert(STDOUT_FILENO);
	/* What a sanitizer finds meanwhile is for people. */
	__sanitizer_set_report_fd((void *)(intptr_t)real[STDERR_FILENO]);
}

const char *ground_release(size_t *size)
{
	ssize_t got;

	(void)fflush(stdout);
	for (int fd = STDOUT_FILENO; fd <= STDERR_FILENO; fd++)
		if (captured[fd])
			require(dup2(real[fd], fd) == fd);
	captured[STDOUT_FILENO] = captured[STDERR_FILENO] = false;
	got = pread(memory, output, CAPTURED_MOST, 0);
	require(got >= 0);
	output[got] = '\0';
	*size = (size_t)got;
	return output;
}

bool ground_is_plain(const char *text, size_t size, const char *also)
{
	for (size_t i = 0; i < size; i++)
		if ((text[i] < ' ' || text[i] > '~') && text[i] != '\n'
		    && !(text[i] && strchr(also, text[i])))
			return false;
	return true;
}

char *ground_cut(const uint8_t **data, size_t *size, const char *separator)
{
	const uint8_t *at = memmem(*data, *size, separator, strlen(separator));
	size_t length = at ? (size_t)(at - *data) : *size;
	char *part = malloc(length + 1);

	require(part != NULL);
	memcpy(part, *data, length);
	part[length] = '\0';
	length += at ? strlen(separator) : 0;
	*data += length;
	*size -= length;
	return part;
}
