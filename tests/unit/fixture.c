#include "fixture.h"

#include <dirent.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

__attribute__((format(printf, 1, 2)))
static void run(const char *format, ...)
{
	char *command = NULL;
	va_list args;

	va_start(args, format);
	assert_true(vasprintf(&command, format, args) > 0);
	va_end(args);
	assert_int_equal(system(command), 0);
	free(command);
}

void fixture_make(struct fixture *fixture)
{
	strcpy(fixture->root, "/tmp/ringspool-test-XXXXXX");
	assert_non_null(mkdtemp(fixture->root));
	umask(0007);
	(void)snprintf(fixture->spool, sizeof fixture->spool, "%s/spool", fixture->root);
	assert_int_equal(mkdir(fixture->spool, 0770), 0);
	assert_int_equal(chmod(fixture->spool, 02770), 0);
}

void fixture_remove(struct fixture *fixture)
{
	run("rm -rf '%s'", fixture->root);
}

int fixture_set_up(void **state)
{
	static struct fixture fixture;

	fixture_make(&fixture);
	*state = &fixture;
	return 0;
}

int fixture_tear_down(void **state)
{
	fixture_remove(*state);
	return 0;
}

static const char *join(const char *directory, const char *name)
{
	static char buffers[4][PATH_MAX];
	static unsigned next;
	char *buffer = buffers[next++ % 4];

	assert_in_range(snprintf(buffer, PATH_MAX, "%s/%s", directory, name), 1, PATH_MAX - 1);
	return buffer;
}

const char *fixture_path(const struct fixture *fixture, const char *name)
{
	return join(fixture->root, name);
}

const char *spool_path(const struct fixture *fixture, const char *name)
{
	return join(fixture->spool, name);
}

const char *fixture_file(const struct fixture *fixture, const char *name,
	const char *text, unsigned mode)
{
	const char *path = fixture_path(fixture, name);
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	assert_true(fputs(text, file) >= 0);
	assert_int_equal(fclose(file), 0);
	assert_int_equal(chmod(path, mode), 0);
	return path;
}

static int visible(const struct dirent *entry)
{
	return strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
}

static size_t scan(const char *directory, char first[NAME_MAX + 1])
{
	struct dirent **entries;
	int count = scandir(directory, &entries, visible, alphasort);

	assert_true(count >= 0);
	first[0] = '\0';
	for (int i = 0; i < count; i++) {
		if (i == 0)
			strcpy(first, entries[i]->d_name);
		free(entries[i]);
	}
	free(entries);
	return (size_t)count;
}

size_t count_entries(const char *directory)
{
	char first[NAME_MAX + 1];

	return scan(directory, first);
}

const char *first_entry(const char *directory)
{
	static char first[NAME_MAX + 1];

	(void)scan(directory, first);
	return first;
}

bool file_holds(const char *path, const void *bytes, size_t size)
{
	char *content = malloc(size + 1);
	FILE *file = fopen(path, "r");
	bool same;

	assert_non_null(content);
	assert_non_null(file);
	same = fread(content, 1, size + 1, file) == size && memcmp(content, bytes, size) == 0;
	(void)fclose(file);
	free(content);
	return same;
}

void fixture_mount(struct fixture *fixture, const char *type, unsigned kib,
	const char *directory)
{
	char size[32];

	assert_int_equal(unshare(CLONE_NEWNS), 0);
	assert_int_equal(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL), 0);
	if (strcmp(type, "tmpfs") == 0) {
		(void)snprintf(size, sizeof size, "size=%uk,mode=2770", kib);
		assert_int_equal(mount("none", directory, "tmpfs", 0, size), 0);
		return;
	}
	(void)snprintf(size, sizeof size, "%uK", kib);
	run("truncate -s %s '%s'", size, fixture_path(fixture, "image"));
	run("mkfs.ext4 -q -F -b 1024 -O ^has_journal,^resize_inode -m 0 '%s'",
		fixture_path(fixture, "image"));
	run("mount -o loop '%s' '%s'", fixture_path(fixture, "image"), directory);
	assert_int_equal(chmod(directory, 02770), 0);
}

void fixture_unmount(const char *directory)
{
	assert_int_equal(umount2(directory, MNT_DETACH), 0);
}
