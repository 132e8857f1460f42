/*
 * bare_loop: the write protocol of ringspool-spool(5) and nothing else, as fast
 * as this machine does it: what a receiver is measured against.
 *
 *	bare_loop SPOOL THREADS MILLISECONDS
 *
 * SPOOL has new/, lock and all directories of seen/ that count.  Every event
 * is of 1200 bytes and bears a name that is not there yet.  Prints the number
 * of events, the seconds that they took, and the seconds of processor time.
 */
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum {
	EVENT_SIZE = 1200,
	DAYS = 5,		/* tomorrow, today, seen_days = 3 back */
	THREADS_MAX = 256
};

struct writer {
	pthread_t thread;
	unsigned number;
	unsigned long events;
	int lock, new, days[DAYS];
};

static const char *spool;
static uint64_t run;		/* makes the names of this run distinct */
static atomic_bool enough;

static int open_below(const char *name, int flags)
{
	char path[4096];
	int fd;

	(void)snprintf(path, sizeof path, "%s/%s", spool, name);
	fd = open(path, flags | O_CLOEXEC);
	if (fd < 0)
		err(1, "%s", path);
	return fd;
}

static void open_spool(struct writer *writer)
{
	time_t day = time(NULL) + 24 * 60 * 60;
	char name[32];

	writer->lock = open_below("lock", O_RDWR);
	writer->new = open_below("new", O_RDONLY | O_DIRECTORY);
	for (int i = 0; i < DAYS; i++, day -= 24 * 60 * 60) {
		struct tm utc;

		strftime(name, sizeof name, "seen/%Y-%m-%d", gmtime_r(&day, &utc));
		writer->days[i] = open_below(name, O_RDONLY | O_DIRECTORY);
	}
}

static void set_lock(const struct writer *writer, short type, uint64_t byte)
{
	struct flock lock = { .l_type = type, .l_whence = SEEK_SET,
		.l_start = (off_t)(byte >> 2), .l_len = 1 };

	if (fcntl(writer->lock, F_OFD_SETLK, &lock) < 0)
		err(1, "lock");
}

static void look_for_mark(const struct writer *writer, const char *name)
{
	struct stat mark;

	for (int i = 0; i < DAYS; i++)
		if (fstatat(writer->days[i], name, &mark, AT_SYMLINK_NOFOLLOW) == 0
		    || errno != ENOENT)
			errx(1, "%s is there already", name);
}

static void publish(const struct writer *writer, const char *name, const char *event)
{
	char link[64], file[256];
	int fd = openat(writer->new, ".", O_TMPFILE | O_WRONLY | O_CLOEXEC, 0640);

	if (fd < 0 || write(fd, event, EVENT_SIZE) != EVENT_SIZE || fsync(fd) < 0)
		err(1, "write");
	(void)snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
	(void)snprintf(file, sizeof file, "%s.json", name);
	if (linkat(AT_FDCWD, link, writer->new, file, AT_SYMLINK_FOLLOW) < 0)
		err(1, "link");
	close(fd);
}

static void store(const struct writer *writer, const char *name, uint64_t digest,
	const char *event)
{
	struct stat unused;

	set_lock(writer, F_WRLCK, digest);
	look_for_mark(writer, name);
	publish(writer, name, event);
	if (mknodat(writer->days[1], name, S_IFREG | 0640, 0) < 0)
		err(1, "mark");
	if (fsync(writer->new) < 0 || fstat(writer->new, &unused) < 0)
		err(1, "fsync of new");
	set_lock(writer, F_UNLCK, digest);
}

static void *write_events(void *context)
{
	struct writer *writer = context;
	char event[EVENT_SIZE], name[128];

	memset(event, 'x', sizeof event);
	while (!atomic_load(&enough)) {
		/* Digits all over the range, as a digest's are. */
		uint64_t digest = ((uint64_t)writer->number << 40 | writer->events)
			* 0x9E3779B97F4A7C15;

		(void)snprintf(name, sizeof name, "%016llx-%04x-%010lu-%016llx",
			(unsigned long long)run, writer->number, writer->events,
			(unsigned long long)digest);
		store(writer, name, digest, event);
		writer->events++;
	}
	return NULL;
}

static double seconds(struct timespec time)
{
	return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static double now(clockid_t clock)
{
	struct timespec time;

	clock_gettime(clock, &time);
	return seconds(time);
}

int main(int argc, char **argv)
{
	static struct writer writers[THREADS_MAX];
	unsigned threads = argc == 4 ? (unsigned)atoi(argv[2]) : 0;
	unsigned long events = 0;
	double began;

	if (threads == 0 || threads > THREADS_MAX)
		errx(64, "usage: bare_loop SPOOL THREADS MILLISECONDS");
	spool = argv[1];
	if (getrandom(&run, sizeof run, 0) != sizeof run)
		err(1, "getrandom");
	umask(0007);
	for (unsigned i = 0; i < threads; i++) {
		writers[i].number = i;
		open_spool(&writers[i]);
	}
	began = now(CLOCK_MONOTONIC);
	for (unsigned i = 0; i < threads; i++)
		if (pthread_create(&writers[i].thread, NULL, write_events, &writers[i]) != 0)
			errx(1, "threads");
	poll(NULL, 0, atoi(argv[3]));
	atomic_store(&enough, true);
	for (unsigned i = 0; i < threads; i++) {
		pthread_join(writers[i].thread, NULL);
		events += writers[i].events;
	}
	printf("%lu %.6f %.6f\n", events, now(CLOCK_MONOTONIC) - began,
		now(CLOCK_PROCESS_CPUTIME_ID));
	return 0;
}
