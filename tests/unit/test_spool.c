/* The spool on real file systems: what is stored, refused, forgotten. */
#include "fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "spool.h"

enum { SEEN_DAYS = 3, DAY_SECONDS = 24 * 60 * 60, OTHER_ID = 12345 };

static struct spool *open_spool(const struct fixture *f)
{
	struct reason why = { .text = "" };
	struct spool *spool = spool_open(f->spool, SEEN_DAYS, &why);

	if (!spool)
		fail_msg("%s", why.text);
	return spool;
}

static void assert_not_opened(const struct fixture *f, const char *complaint)
{
	struct reason why = { .text = "" };

	assert_null(spool_open(f->spool, SEEN_DAYS, &why));
	if (!strstr(why.text, complaint))
		fail_msg("\"%s\" does not say \"%s\"", why.text, complaint);
}

static uint64_t digest_of(const char *name)
{
	uint64_t digest = 5381;

	for (const char *c = name; *c; c++)
		digest = digest * 33 + (unsigned char)*c;
	return digest;
}

static enum spool_result store(struct spool *spool, const char *name)
{
	struct reason why = { .text = "" };

	return spool_store(spool, name, digest_of(name), "body", 4, &why);
}

static int has_seen(struct spool *spool, const char *name)
{
	struct reason why;

	return spool_has_seen(spool, name, digest_of(name), &why);
}

static void assert_store_fails(struct spool *spool, const char *name,
	const char *complaint)
{
	struct reason why = { .text = "" };

	assert_int_equal(spool_store(spool, name, 1, "body", 4, &why), SPOOL_FAILED);
	if (!strstr(why.text, complaint))
		fail_msg("\"%s\" does not say \"%s\"", why.text, complaint);
}

static const char *day_name(int offset)
{
	static char buffers[4][sizeof "seen/YYYY-MM-DD"];
	static unsigned next;
	char *buffer = buffers[next++ % 4];
	time_t when = time(NULL) + (time_t)offset * DAY_SECONDS;
	struct tm utc;

	assert_true(strftime(buffer, sizeof buffers[0], "seen/%Y-%m-%d",
		gmtime_r(&when, &utc)) > 0);
	return buffer;
}

static const char *mark_path(const struct fixture *f, int offset, const char *name)
{
	static char path[PATH_MAX];

	assert_in_range(snprintf(path, sizeof path, "%s/%s", spool_path(f, day_name(offset)),
		name), 1, sizeof path - 1);
	return path;
}

static void make_file(const char *path)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0640);

	assert_true(fd >= 0);
	close(fd);
}

static bool exists(const char *path)
{
	struct stat status;

	return lstat(path, &status) == 0;
}

static void set_age(const char *path, time_t age)
{
	struct timespec times[2] = { { .tv_sec = time(NULL) - age },
		{ .tv_sec = time(NULL) - age } };

	assert_int_equal(utimensat(AT_FDCWD, path, times, AT_SYMLINK_NOFOLLOW), 0);
}

static void assert_access(const char *path, mode_t mode, gid_t group)
{
	struct stat status;

	assert_int_equal(lstat(path, &status), 0);
	if ((status.st_mode & 07777) != mode || status.st_gid != group)
		fail_msg("%s: %04o, group %u", path, (unsigned)status.st_mode & 07777,
			(unsigned)status.st_gid);
}

static void an_event_is_one_file_and_a_mark(void **state)
{
	struct fixture *f = *state;
	struct spool *spool = open_spool(f);

	assert_int_equal(store(spool, "a-1"), SPOOL_STORED);
	assert_true(file_holds(spool_path(f, "new/a-1.json"), "body", 4));
	assert_true(file_holds(mark_path(f, 0, "a-1"), "", 0));
	assert_int_equal(count_entries(spool_path(f, "tmp")), 0);
	spool_close(spool);
}

static void a_repeat_is_not_stored_twice(void **state)
{
	struct fixture *f = *state;
	struct spool *spool = open_spool(f);

	assert_int_equal(store(spool, "a-1"), SPOOL_STORED);
	assert_int_equal(store(spool, "a-1"), SPOOL_DUPLICATE);
	assert_int_equal(unlink(spool_path(f, "new/a-1.json")), 0);
	assert_int_equal(store(spool, "a-1"), SPOOL_DUPLICATE);	/* taken by a consumer */
	assert_int_equal(count_entries(spool_path(f, "new")), 0);
	assert_int_equal(store(spool, "a-2"), SPOOL_STORED);
	spool_close(spool);
}

static void marks_count_from_tomorrow_to_the_retention_days(void **state)
{
	struct fixture *f = *state;
	struct spool *spool = open_spool(f);
	const int offsets[] = { 1, 0, -1, -SEEN_DAYS };
	char name[8];

	for (size_t i = 0; i < 4; i++) {
		(void)mkdir(spool_path(f, day_name(offsets[i])), 0770);
		(void)snprintf(name, sizeof name, "a-%zu", i);
		make_file(mark_path(f, offsets[i], name));
		assert_int_equal(store(spool, name), SPOOL_DUPLICATE);
		assert_int_equal(has_seen(spool, name), 1);
	}
	assert_int_equal(mkdir(spool_path(f, day_name(-SEEN_DAYS - 1)), 0770), 0);
	make_file(mark_path(f, -SEEN_DAYS - 1, "b"));
	assert_int_equal(has_seen(spool, "b"), 0);
	assert_int_equal(store(spool, "b"), SPOOL_STORED);
	spool_close(spool);
}

static void a_file_without_mark_is_a_duplicate_and_gets_its_mark(void **state)
{
	struct fixture *f = *state;
	struct spool *spool = open_spool(f);

	make_file(spool_path(f, "new/a-1.json"));	/* ended between link and mark */
	assert_int_equal(store(spool, "a-1"), SPOOL_DUPLICATE);
	assert_true(exists(mark_path(f, 0, "a-1")));
	assert_true(file_holds(spool_path(f, "new/a-1.json"), "", 0));
	spool_close(spool);
}

static void modes_and_group_are_the_spools(void **state)
{
	static const char *const directories[] = { "tmp", "new", "seen", "bad", "renew" };
	struct fixture *f = *state;

	for (int setgid = 0; setgid < 2; setgid++) {
		struct spool *spool;

		assert_int_equal(chown(f->spool, 0, OTHER_ID), 0);
		assert_int_equal(chmod(f->spool, setgid ? 02770 : 0770), 0);
		spool = open_spool(f);
		assert_int_equal(store(spool, setgid ? "b" : "a"), SPOOL_STORED);
		for (size_t i = 0; i < 5; i++)
			assert_access(spool_path(f, directories[i]), 02770, OTHER_ID);
		assert_access(spool_path(f, day_name(0)), 02770, OTHER_ID);
		assert_access(spool_path(f, "lock"), 0660, OTHER_ID);
		assert_access(spool_path(f, setgid ? "new/b.json" : "new/a.json"), 0640, OTHER_ID);
		spool_close(spool);
		fixture_remove(f);
		fixture_make(f);
	}
}

static void a_missing_spool_is_refused_with_the_remedy(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(rmdir(f->spool), 0);
	assert_not_opened(f, "install -d -o root -g ringspool -m 2770 ");
	make_file(f->spool);
	assert_not_opened(f, "Not a directory");
}

static void a_spool_open_to_everybody_is_refused(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(chmod(f->spool, 0777), 0);
	assert_not_opened(f, "writable by everybody");
}

static void planted_links_are_refused(void **state)
{
	struct fixture *f = *state;
	struct spool *spool;

	assert_int_equal(mkdir(fixture_path(f, "away"), 0777), 0);
	assert_int_equal(symlink("../away", spool_path(f, "new")), 0);
	assert_not_opened(f, "new: is not a directory");
	assert_int_equal(unlink(spool_path(f, "new")), 0);
	assert_int_equal(symlink("../away/lock", spool_path(f, "lock")), 0);
	assert_not_opened(f, "lock");
	assert_int_equal(unlink(spool_path(f, "lock")), 0);

	spool = open_spool(f);
	assert_int_equal(symlink("../../away", spool_path(f, day_name(0))), 0);
	assert_store_fails(spool, "a-1", "seen");
	assert_int_equal(unlink(spool_path(f, day_name(0))), 0);
	assert_int_equal(symlink("../../away/x", spool_path(f, "new/a-1.json")), 0);
	assert_store_fails(spool, "a-1", "new/a-1.json is not a regular file");
	assert_int_equal(rmdir(spool_path(f, "bad")), 0);
	assert_int_equal(symlink("../away", spool_path(f, "bad")), 0);
	spool_close(spool);
	assert_int_equal(count_entries(fixture_path(f, "away")), 0);
}

/* Moves a part of the spool away, and puts another in its place. */
static void assert_replacing_is_noticed(struct fixture *f, const char *part)
{
	struct spool *spool = open_spool(f);
	const char *path = part[0] ? spool_path(f, part) : f->spool;
	struct reason why;
	struct stat status;

	assert_int_equal(store(spool, "a-1") == SPOOL_FAILED, 0);
	assert_int_equal(spool_mark_renewal(spool, "s", &why), 0);
	assert_int_equal(lstat(path, &status), 0);
	assert_int_equal(rename(path, fixture_path(f, "moved")), 0);
	assert_false(spool_is_current(spool));
	if (S_ISDIR(status.st_mode))
		assert_int_equal(mkdir(path, 0770), 0);
	else
		make_file(path);
	assert_false(spool_is_current(spool));
	spool_close(spool);
	if (S_ISDIR(status.st_mode))
		assert_int_equal(rmdir(path), 0);
	assert_int_equal(rename(fixture_path(f, "moved"), path), 0);
}

static void a_moved_or_replaced_spool_is_noticed(void **state)
{
	assert_replacing_is_noticed(*state, "");
	assert_replacing_is_noticed(*state, "new");
	assert_replacing_is_noticed(*state, "seen");
	assert_replacing_is_noticed(*state, "renew");
	assert_replacing_is_noticed(*state, "lock");
}

/* The event that comes next goes to the right place; all else may take a second. */
static void what_is_replaced_later_is_noticed_in_time(void **state)
{
	struct fixture *f = *state;
	struct spool *spool = open_spool(f);
	time_t deadline = time(NULL) + 3;

	assert_true(spool_is_current(spool));
	assert_int_equal(unlink(spool_path(f, "lock")), 0);
	while (spool_is_current(spool) && time(NULL) < deadline)
		poll(NULL, 0, 10);
	assert_false(spool_is_current(spool));
	spool_close(spool);
	spool = open_spool(f);
	assert_true(spool_is_current(spool));
	assert_int_equal(rename(f->spool, fixture_path(f, "moved")), 0);
	assert_false(spool_is_current(spool));
	spool_close(spool);
	assert_int_equal(rename(fixture_path(f, "moved"), f->spool), 0);
}

static void a_name_in_bad_that_is_no_file_is_refused(void **state)
{
	struct fixture *f = *state;
	struct spool *spool = open_spool(f);
	struct reason why = { .text = "" };

	/* SHA-256 of "planted" */
	assert_int_equal(mkdir(spool_path(f, "bad/proven-"
		"372eb3774802a8d97badd0f3afdabbf7a17ef8a1f900b394db99a460b893406c"), 0770), 0);
	assert_int_equal(spool_keep_bad(spool, true, "planted", 7, &why), SPOOL_FAILED);
	assert_non_null(strstr(why.text, "not a regular file"));
	spool_close(spool);
}

static void a_file_gets_the_group_of_its_directory(void **state)
{
	struct fixture *f = *state;
	struct spool *spool = open_spool(f);

	/* Restored from a copy, say: without the set-group-ID bit. */
	assert_int_equal(chown(spool_path(f, "new"), 0, OTHER_ID), 0);
	assert_int_equal(chmod(spool_path(f, "new"), 0770), 0);
	assert_true(spool_is_current(spool));
	assert_int_equal(store(spool, "a-1"), SPOOL_STORED);
	assert_access(spool_path(f, "new/a-1.json"), 0640, OTHER_ID);
	spool_close(spool);
}

/* Locks every byte until the other end of the pipe is closed. */
static void hold_lock(const struct fixture *f, int ready, int wait)
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	int fd = open(spool_path(f, "lock"), O_RDWR | O_CLOEXEC);
	char byte = 0;

	if (fcntl(fd, F_OFD_SETLK, &lock) < 0 || write(ready, &byte, 1) != 1
	    || read(wait, &byte, 1) < 0)
		_exit(1);
	_exit(0);
}

static void a_lock_that_is_never_let_go_is_not_waited_for(void **state)
{
	struct fixture *f = *state;
	struct spool *spool = open_spool(f);
	struct reason why = { .text = "" };
	int ready[2], wait_for[2];
	char byte;
	pid_t child;

	assert_int_equal(store(spool, "a-1"), SPOOL_STORED);
	assert_int_equal(pipe(ready), 0);
	assert_int_equal(pipe(wait_for), 0);
	child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		close(wait_for[1]);
		hold_lock(f, ready[1], wait_for[0]);
	}
	assert_int_equal(read(ready[0], &byte, 1), 1);
	/* Not even a mark is believed: its event may be taken back. */
	assert_int_equal(spool_has_seen(spool, "a-1", 1, &why), -1);
	assert_non_null(strstr(why.text, "another process holds it"));
	close(wait_for[1]);
	assert_int_equal(waitpid(child, NULL, 0), child);
	assert_int_equal(store(spool, "a-2"), SPOOL_STORED);
	close(ready[0]);
	close(ready[1]);
	close(wait_for[0]);
	spool_close(spool);
}

static void a_removed_day_is_made_again(void **state)
{
	struct fixture *f = *state;
	struct spool *spool = open_spool(f);

	assert_int_equal(store(spool, "a-1"), SPOOL_STORED);
	assert_int_equal(unlink(mark_path(f, 0, "a-1")), 0);
	assert_int_equal(rmdir(spool_path(f, day_name(0))), 0);
	assert_int_equal(store(spool, "a-2"), SPOOL_STORED);
	assert_true(exists(mark_path(f, 0, "a-2")));
	spool_close(spool);
}

/* Runs a test in a child, which may mount, drop rights and limit itself. */
static void in_child(struct fixture *f, void (*test)(struct fixture *))
{
	int status;
	pid_t child = fork();

	assert_true(child >= 0);
	if (child == 0) {
		test(f);
		_exit(0);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

static void store_without_proc(struct fixture *f)
{
	struct spool *spool;

	fixture_mount(f, "tmpfs", 16, "/proc");
	spool = open_spool(f);
	assert_int_equal(store(spool, "a-1"), SPOOL_STORED);
	assert_int_equal(store(spool, "a-1"), SPOOL_DUPLICATE);
	make_file(spool_path(f, "new/a-2.json"));
	assert_int_equal(store(spool, "a-2"), SPOOL_DUPLICATE);
	assert_true(file_holds(spool_path(f, "new/a-2.json"), "", 0));
	assert_true(file_holds(spool_path(f, "new/a-1.json"), "body", 4));
	assert_access(spool_path(f, "new/a-1.json"), 0640, getgid());
	assert_int_equal(count_entries(spool_path(f, "tmp")), 0);
	/* tmp/ gives another group than new/ wants. */
	assert_int_equal(chown(spool_path(f, "new"), 0, OTHER_ID), 0);
	assert_int_equal(chmod(spool_path(f, "new"), 02770), 0);
	assert_true(spool_is_current(spool));
	assert_int_equal(store(spool, "a-3"), SPOOL_STORED);
	assert_access(spool_path(f, "new/a-3.json"), 0640, OTHER_ID);
	spool_close(spool);
}

static void without_proc_files_go_through_tmp(void **state)
{
	in_child(*state, store_without_proc);
}

static void fill(const char *path)
{
	char block[512] = { 1 };
	int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

	while (write(fd, block, sizeof block) > 0)
		;
	assert_int_equal(errno, ENOSPC);
	assert_int_equal(fsync(fd), 0);
	close(fd);
}

static void store_on_a_full_disk(struct fixture *f)
{
	struct spool *spool;
	struct reason why;
	char big[4000] = { 0 };

	fixture_mount(f, "ext4", 1024, f->spool);
	spool = open_spool(f);
	assert_int_equal(store(spool, "a-1"), SPOOL_STORED);
	fill(spool_path(f, "ballast"));
	assert_int_equal(spool_store(spool, "a-2", 2, big, sizeof big, &why), SPOOL_FAILED);
	assert_non_null(strstr(why.text, "No space left"));
	assert_int_equal(spool_check(spool, 0, &why), -1);
	assert_int_equal(count_entries(spool_path(f, "new")), 1);
	assert_int_equal(count_entries(spool_path(f, "tmp")), 0);
	spool_close(spool);
	assert_int_equal(unlink(spool_path(f, "ballast")), 0);
	spool = open_spool(f);
	assert_int_equal(spool_check(spool, 0, &why), 0);
	assert_int_equal(spool_store(spool, "a-2", 2, big, sizeof big, &why), SPOOL_STORED);
	assert_int_equal(spool_check(spool, UINT64_C(1) << 30, &why), -1);
	assert_non_null(strstr(why.text, "less than min_free"));
	spool_close(spool);
	fixture_unmount(f->spool);
}

static void a_full_disk_refuses_and_recovers(void **state)
{
	in_child(*state, store_on_a_full_disk);
}

static void store_read_only(struct fixture *f)
{
	struct spool *spool;
	struct reason why;

	fixture_mount(f, "tmpfs", 1024, f->spool);
	spool = open_spool(f);
	assert_int_equal(store(spool, "a-0"), SPOOL_STORED);
	spool_close(spool);
	assert_int_equal(mount(NULL, f->spool, NULL,
		MS_REMOUNT | MS_BIND | MS_RDONLY, NULL), 0);
	assert_not_opened(f, "Read-only file system");
	assert_int_equal(mount(NULL, f->spool, NULL, MS_REMOUNT | MS_BIND, NULL), 0);
	spool = open_spool(f);
	assert_int_equal(spool_check(spool, 0, &why), 0);
	spool_close(spool);
}

static void a_read_only_file_system_refuses(void **state)
{
	in_child(*state, store_read_only);
}

static void store_as_a_stranger(struct fixture *f)
{
	spool_close(open_spool(f));
	assert_int_equal(chmod(f->root, 0755), 0);
	assert_int_equal(setgid(OTHER_ID), 0);
	assert_int_equal(setuid(OTHER_ID), 0);
	assert_not_opened(f, "Permission denied");
}

static void a_stranger_is_refused(void **state)
{
	in_child(*state, store_as_a_stranger);
}

static void store_without_descriptors(struct fixture *f)
{
	struct spool *spool = open_spool(f);
	struct rlimit limit = { .rlim_cur = 0, .rlim_max = 1024 };

	assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
	assert_store_fails(spool, "a-1", "Too many open files");
	limit.rlim_cur = 1024;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
	assert_int_equal(store(spool, "a-1"), SPOOL_STORED);
	spool_close(spool);
}

static void exhausted_descriptors_refuse_and_recover(void **state)
{
	in_child(*state, store_without_descriptors);
}

struct race {
	const struct fixture *fixture;
	atomic_uint *stored;
};

enum { RACE_NAMES = 200, RACE_THREADS = 4, RACE_PROCESSES = 4 };

/* A consumer that takes an event at once: only its mark is left. */
static void consume(const struct fixture *f, const char *name)
{
	char path[PATH_MAX + 32];

	(void)snprintf(path, sizeof path, "%s/new/%s.json", f->spool, name);
	(void)unlink(path);
}

static void *store_all(void *context)
{
	const struct race *race = context;
	struct spool *spool = open_spool(race->fixture);
	char name[16];

	for (int i = 0; i < RACE_NAMES; i++) {
		(void)snprintf(name, sizeof name, "a-%d", i);
		switch (store(spool, name)) {
		case SPOOL_STORED:
			atomic_fetch_add(race->stored, 1);
			consume(race->fixture, name);
			break;
		case SPOOL_DUPLICATE:
			break;
		default:
			atomic_fetch_add(race->stored, 100000);
		}
	}
	spool_close(spool);
	return NULL;
}

static void race_in_threads(const struct race *race)
{
	pthread_t threads[RACE_THREADS];

	for (int i = 0; i < RACE_THREADS; i++)
		if (pthread_create(&threads[i], NULL, store_all, (void *)(uintptr_t)race) != 0)
			_exit(1);
	for (int i = 0; i < RACE_THREADS; i++)
		(void)pthread_join(threads[i], NULL);
}

static void threads_and_processes_store_an_event_once(void **state)
{
	struct race race = { .fixture = *state };

	race.stored = mmap(NULL, sizeof *race.stored, PROT_READ | PROT_WRITE,
		MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	assert_ptr_not_equal(race.stored, MAP_FAILED);
	for (int i = 0; i < RACE_PROCESSES; i++)
		if (fork() == 0) {
			race_in_threads(&race);
			_exit(0);
		}
	while (wait(NULL) > 0)
		;
	assert_int_equal(atomic_load(race.stored), RACE_NAMES);
	assert_int_equal(count_entries(spool_path(race.fixture, "new")), 0);
	assert_int_equal(munmap(race.stored, sizeof *race.stored), 0);
}

static enum spool_result keep_bad(struct spool *spool, bool proven, const char *body)
{
	struct reason why;

	return spool_keep_bad(spool, proven, body, strlen(body), &why);
}

static void bad_bodies_of_proven_senders_are_all_kept(void **state)
{
	struct fixture *f = *state;
	struct spool *spool = open_spool(f);
	char body[16];

	for (int i = 0; i < 120; i++) {
		(void)snprintf(body, sizeof body, "bad %d", i);
		assert_int_equal(keep_bad(spool, true, body), SPOOL_STORED);
	}
	assert_int_equal(keep_bad(spool, true, body), SPOOL_DUPLICATE);
	assert_int_equal(count_entries(spool_path(f, "bad")), 120);
	spool_close(spool);
}

static void bad_bodies_of_others_are_limited_in_number(void **state)
{
	struct fixture *f = *state;
	struct spool *spool = open_spool(f);
	char body[16];

	assert_int_equal(keep_bad(spool, true, "proven"), SPOOL_STORED);
	for (int i = 0; i < 103; i++) {
		(void)snprintf(body, sizeof body, "bad %d", i);
		assert_int_equal(keep_bad(spool, false, body), SPOOL_STORED);
	}
	assert_int_equal(count_entries(spool_path(f, "bad")), 101);
	/* The newest is there, the oldest is not. */
	assert_int_equal(keep_bad(spool, false, body), SPOOL_DUPLICATE);
	assert_int_equal(keep_bad(spool, false, "bad 0"), SPOOL_STORED);
	spool_close(spool);
}

static void the_oldest_bad_body_goes_first(void **state)
{
	struct fixture *f = *state;
	struct spool *spool = open_spool(f);
	char body[16], name[NAME_MAX + 16];

	/* The first to come has the youngest time. */
	assert_int_equal(keep_bad(spool, false, "young"), SPOOL_STORED);
	set_age(fixture_path(f, strcat(strcpy(name, "spool/bad/"),
		first_entry(spool_path(f, "bad")))), -3600);
	for (int i = 0; i < 99; i++) {
		(void)snprintf(body, sizeof body, "bad %d", i);
		assert_int_equal(keep_bad(spool, false, body), SPOOL_STORED);
	}
	assert_int_equal(keep_bad(spool, true, "proven"), SPOOL_STORED);
	assert_int_equal(count_entries(spool_path(f, "bad")), 101);	/* none had to go */
	assert_int_equal(keep_bad(spool, false, "one more"), SPOOL_STORED);
	assert_int_equal(keep_bad(spool, false, "young"), SPOOL_DUPLICATE);
	spool_close(spool);
}

static void bad_bodies_of_others_are_limited_in_size(void **state)
{
	struct fixture *f = *state;
	struct spool *spool = open_spool(f);
	const size_t size = 6 << 20;
	char *body = calloc(1, size);
	struct reason why;

	assert_non_null(body);
	for (int i = 0; i < 4; i++) {
		body[0] = (char)('a' + i);
		assert_int_equal(spool_keep_bad(spool, false, body, size, &why), SPOOL_STORED);
	}
	assert_int_equal(count_entries(spool_path(f, "bad")), 2);
	free(body);
	spool_close(spool);
}

static void a_renewal_mark_is_an_empty_file(void **state)
{
	struct fixture *f = *state;
	struct spool *spool = open_spool(f);
	struct reason why;

	assert_int_equal(spool_mark_renewal(spool, "sub-1", &why), 0);
	assert_int_equal(spool_mark_renewal(spool, "sub-1", &why), 0);
	assert_true(file_holds(spool_path(f, "renew/sub-1"), "", 0));
	spool_close(spool);
}

static void make_due(const struct fixture *f)
{
	set_age(spool_path(f, "lock"), 60);
}

static void tidying_waits_its_turn(void **state)
{
	struct fixture *f = *state;
	struct spool *spool = open_spool(f);
	struct reason why;

	assert_int_equal(spool_tidy(spool, &why), 0);	/* just made */
	make_due(f);
	assert_int_equal(spool_tidy(spool, &why), 1);
	assert_int_equal(spool_tidy(spool, &why), 0);
	set_age(spool_path(f, "lock"), -1);		/* a second began in between */
	assert_int_equal(spool_tidy(spool, &why), 0);
	set_age(spool_path(f, "lock"), -3600);		/* the clock was set back */
	assert_int_equal(spool_tidy(spool, &why), 1);
	assert_true(exists(spool_path(f, day_name(1))));
	spool_close(spool);
}

static void tidying_forgets_expired_days_only(void **state)
{
	struct fixture *f = *state;
	struct spool *spool = open_spool(f);
	struct reason why;

	for (int day = 0; day <= SEEN_DAYS + 2; day++) {
		assert_int_equal(mkdir(spool_path(f, day_name(-day)), 0770), 0);
		make_file(mark_path(f, -day, "a-1"));
	}
	assert_int_equal(mkdir(spool_path(f, "seen/0-not-a-day"), 0770), 0);
	make_due(f);
	assert_int_equal(spool_tidy(spool, &why), 1);
	for (int day = 0; day <= SEEN_DAYS + 2; day++)
		assert_int_equal(exists(spool_path(f, day_name(-day))), day <= SEEN_DAYS);
	assert_true(exists(mark_path(f, -SEEN_DAYS, "a-1")));
	assert_true(exists(spool_path(f, "seen/0-not-a-day")));
	spool_close(spool);
}

static void tidying_is_bounded(void **state)
{
	struct fixture *f = *state;
	struct spool *spool = open_spool(f);
	const char *day = spool_path(f, day_name(-SEEN_DAYS - 1));
	struct reason why;
	char name[16];
	size_t before = 2500;

	assert_int_equal(mkdir(day, 0770), 0);
	for (size_t i = 0; i < before; i++) {
		(void)snprintf(name, sizeof name, "a-%zu", i);
		make_file(mark_path(f, -SEEN_DAYS - 1, name));
	}
	make_due(f);
	assert_int_equal(spool_tidy(spool, &why), 1);
	assert_int_equal(count_entries(spool_path(f, day_name(-SEEN_DAYS - 1))), before - 2000);
	make_due(f);
	assert_int_equal(spool_tidy(spool, &why), 1);
	assert_false(exists(spool_path(f, day_name(-SEEN_DAYS - 1))));
	spool_close(spool);
}

static void tidying_removes_old_leftovers(void **state)
{
	struct fixture *f = *state;
	struct spool *spool = open_spool(f);
	struct reason why;

	make_file(spool_path(f, "tmp/old"));
	make_file(spool_path(f, "tmp/young"));
	make_file(spool_path(f, "new/old.json"));
	set_age(spool_path(f, "tmp/old"), 25 * 60 * 60);
	set_age(spool_path(f, "tmp/young"), 23 * 60 * 60);
	set_age(spool_path(f, "new/old.json"), 400 * DAY_SECONDS);
	make_due(f);
	assert_int_equal(spool_tidy(spool, &why), 1);
	assert_false(exists(spool_path(f, "tmp/old")));
	assert_true(exists(spool_path(f, "tmp/young")));
	assert_true(exists(spool_path(f, "new/old.json")));
	spool_close(spool);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, fixture_set_up, fixture_tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(an_event_is_one_file_and_a_mark),
		TEST(a_repeat_is_not_stored_twice),
		TEST(marks_count_from_tomorrow_to_the_retention_days),
		TEST(a_file_without_mark_is_a_duplicate_and_gets_its_mark),
		TEST(modes_and_group_are_the_spools),
		TEST(a_missing_spool_is_refused_with_the_remedy),
		TEST(a_spool_open_to_everybody_is_refused),
		TEST(planted_links_are_refused),
		TEST(a_moved_or_replaced_spool_is_noticed),
		TEST(what_is_replaced_later_is_noticed_in_time),
		TEST(a_name_in_bad_that_is_no_file_is_refused),
		TEST(a_file_gets_the_group_of_its_directory),
		TEST(a_lock_that_is_never_let_go_is_not_waited_for),
		TEST(a_removed_day_is_made_again),
		TEST(without_proc_files_go_through_tmp),
		TEST(a_full_disk_refuses_and_recovers),
		TEST(a_read_only_file_system_refuses),
		TEST(a_stranger_is_refused),
		TEST(exhausted_descriptors_refuse_and_recover),
		TEST(threads_and_processes_store_an_event_once),
		TEST(bad_bodies_of_proven_senders_are_all_kept),
		TEST(bad_bodies_of_others_are_limited_in_number),
		TEST(bad_bodies_of_others_are_limited_in_size),
		TEST(the_oldest_bad_body_goes_first),
		TEST(a_renewal_mark_is_an_empty_file),
		TEST(tidying_waits_its_turn),
		TEST(tidying_forgets_expired_days_only),
		TEST(tidying_is_bounded),
		TEST(tidying_removes_old_leftovers),
	};

	return cmocka_run_group_tests_name("spool", tests, NULL, NULL);
}
