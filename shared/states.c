#include "states.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "spool_internal.h"

enum { CLASHES_MAX = 99 };

struct states {
	struct spool *spool;
	int directories[STATE_COUNT];	/* -1 until needed */
	char day[ENTRY_DAY_SIZE];	/* which day of done/ is open; "" none */
	int day_fd;
	unsigned dirty;			/* STATE_BITs to make durable; done: the day */
};

static int fail(const struct states *states, const char *what, const char *file,
	struct reason *why)
{
	int err = errno;

	reason_set(why, "spool %.200s: %s %.120s: %s", states->spool->path, what, file,
		strerror(err));
	errno = err;
	return -1;
}

struct states *states_open(const char *path, unsigned seen_days, struct reason *why)
{
	struct states *states = calloc(1, sizeof *states);

	if (!states) {
		reason_set(why, "out of memory");
		return NULL;
	}
	for (int i = 0; i < STATE_COUNT; i++)
		states->directories[i] = -1;
	states->day_fd = -1;
	states->spool = spool_open(path, seen_days, why);
	if (!states->spool) {
		free(states);
		return NULL;
	}
	return states;
}

static void forget(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

static void forget_directories(struct states *states)
{
	for (int i = 0; i < STATE_COUNT; i++)
		forget(&states->directories[i]);
	forget(&states->day_fd);
	states->day[0] = '\0';
}

void states_close(struct states *states)
{
	if (!states)
		return;
	forget_directories(states);
	spool_close(states->spool);
	free(states);
}

const char *states_path(const struct states *states)
{
	return states->spool->path;
}

struct spool *states_spool(struct states *states)
{
	return states->spool;
}

/* Opens a directory below `parent`, or makes it. */
static int open_below(struct states *states, int parent, const char *name, bool make,
	struct reason *why)
{
	struct reason complaint;
	int fd = spool_open_directory(parent, name);

	if (fd < 0 && errno == ENOENT && make) {
		fd = spool_make_directory(parent, name, &complaint);
		if (fd < 0)
			reason_set(why, "spool %.200s: %s", states->spool->path,
				complaint.text);
		return fd;
	}
	return fd < 0 ? fail(states, "open", name, why) : fd;
}

static int state_directory(struct states *states, enum entry_state state, bool make,
	struct reason *why)
{
	int *fd = &states->directories[state];

	if (*fd < 0)
		*fd = open_below(states, states->spool->root.fd,
			entry_state_directory(state), make, why);
	return *fd;
}

static int day_directory(struct states *states, const char *day, bool make,
	struct reason *why)
{
	int done;

	if (states->day_fd >= 0 && strcmp(states->day, day) == 0)
		return states->day_fd;
	done = state_directory(states, STATE_DONE, make, why);
	if (done < 0)
		return -1;
	/* What was moved there must not wait for a descriptor that is gone. */
	if (states->day_fd >= 0 && states_sync(states, why) < 0)
		return -1;
	forget(&states->day_fd);
	(void)snprintf(states->day, sizeof states->day, "%s", day);
	states->day_fd = open_below(states, done, day, make, why);
	return states->day_fd;
}

int states_directory(struct states *states, const struct entry *entry, bool make,
	struct reason *why)
{
	return entry->state == STATE_DONE
		? day_directory(states, entry->day, make, why)
		: state_directory(states, entry->state, make, why);
}

/* Fills what a look at the file tells.  1: an event's file; 0: none, or gone. */
static int look_at(int directory, const char *file, struct entry *entry)
{
	struct stat status;

	if (fstatat(directory, file, &status, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT ? 0 : -1;
	if (!S_ISREG(status.st_mode))
		return 0;
	entry->received = status.st_mtim;
	entry->since = status.st_ctim;
	entry->size = (uint64_t)status.st_size;
	return 1;
}

/* A walk through one directory. */
struct walk {
	struct states *states;
	enum entry_state state;
	const char *day;
	states_visit *visit;
	void *context;
	struct strange *strange;	/* or NULL */
	struct reason *why;
};

/* `strange` may be NULL; so may `day`. */
static void note_strange(struct strange *strange, const struct states *states,
	enum entry_state state, const char *day, const char *name)
{
	if (strange && strange->count++ == 0)
		(void)snprintf(strange->example, sizeof strange->example, "%s/%s/%s%s%s",
			states->spool->path, entry_state_directory(state),
			day ? day : "", day ? "/" : "", name);
}

static int visit_name(struct walk *walk, int directory, const struct dirent *found)
{
	struct entry entry;
	int looked;

	if (found->d_name[0] == '.')
		return 0;
	if ((found->d_type != DT_REG && found->d_type != DT_UNKNOWN)
	    || !entry_parse(&entry, walk->state, found->d_name)) {
		note_strange(walk->strange, walk->states, walk->state, walk->day,
			found->d_name);
		return 0;
	}
	looked = look_at(directory, entry.file, &entry);
	if (looked < 0)
		return fail(walk->states, "look at", entry.file, walk->why);
	if (looked == 0)
		return 0;
	if (walk->day)
		strcpy(entry.day, walk->day);	/* a day's name: its length was checked */
	return walk->visit(walk->context, walk->states, &entry);
}

/* Opens a directory for reading; *directory is NULL where it does not exist. */
static int open_for_walk(struct states *states, int parent, const char *name,
	DIR **directory, struct reason *why)
{
	int fd = spool_open_directory(parent, name);

	*directory = NULL;
	if (fd < 0)
		return errno == ENOENT ? 0 : fail(states, "open", name, why);
	*directory = fdopendir(fd);
	if (!*directory) {
		fail(states, "read", name, why);
		close(fd);
		return -1;
	}
	return 0;
}

static int walk_directory(struct walk *walk, int parent, const char *name)
{
	struct dirent *found;
	DIR *directory;
	int result = 0;

	if (open_for_walk(walk->states, parent, name, &directory, walk->why) < 0)
		return -1;
	if (!directory)
		return 0;
	while (result == 0 && (errno = 0, found = readdir(directory)) != NULL)
		result = visit_name(walk, dirfd(directory), found);
	if (result == 0 && errno)
		result = fail(walk->states, "read", name, walk->why);
	closedir(directory);
	return result;
}

int states_each_day(struct states *states, int (*visit)(void *context,
	struct states *states, const char *day), void *context,
	struct strange *strange, struct reason *why)
{
	struct dirent *found;
	DIR *directory;
	int result = 0;

	if (open_for_walk(states, states->spool->root.fd,
	    entry_state_directory(STATE_DONE), &directory, why) < 0)
		return -1;
	if (!directory)
		return 0;
	while (result == 0 && (errno = 0, found = readdir(directory)) != NULL)
		if (spool_is_day_name(found->d_name))
			result = visit(context, states, found->d_name);
		else if (found->d_name[0] != '.')
			note_strange(strange, states, STATE_DONE, NULL, found->d_name);
	if (result == 0 && errno)
		result = fail(states, "read", "done", why);
	closedir(directory);
	return result;
}

void states_day(char day[ENTRY_DAY_SIZE], time_t when)
{
	spool_day_name(day, spool_day(when));
}

void states_remove_day(struct states *states, const char *day)
{
	struct reason ignored;
	int done = state_directory(states, STATE_DONE, false, &ignored);

	if (done >= 0)
		(void)unlinkat(done, day, AT_REMOVEDIR);
}

static int walk_day(void *context, struct states *states, const char *day)
{
	struct walk *walk = context;
	int done = state_directory(states, STATE_DONE, false, walk->why);

	walk->day = day;
	return done < 0 ? -1 : walk_directory(walk, done, day);
}

int states_each_in(struct states *states, enum entry_state state, const char *day,
	states_visit *visit, void *context, struct strange *strange, struct reason *why)
{
	struct walk walk = { .states = states, .state = state, .visit = visit,
		.context = context, .strange = strange, .why = why };

	if (state != STATE_DONE)
		return walk_directory(&walk, states->spool->root.fd,
			entry_state_directory(state));
	if (day)
		return spool_is_day_name(day) ? walk_day(&walk, states, day) : 0;
	return states_each_day(states, walk_day, &walk, strange, why);
}

int states_each(struct states *states, unsigned which, states_visit *visit,
	void *context, struct strange *strange, struct reason *why)
{
	int result = 0;

	for (int i = 0; i < STATE_COUNT && result == 0; i++)
		if (which & STATE_BIT(i))
			result = states_each_in(states, (enum entry_state)i, NULL,
				visit, context, strange, why);
	return result;
}

int states_open_file(struct states *states, const struct entry *entry,
	struct reason *why)
{
	int directory = states_directory(states, entry, false, why);
	struct stat status;
	int fd;

	if (directory < 0)
		return -1;
	/* O_NONBLOCK: a FIFO planted between look and open must not hang us. */
	fd = openat(directory, entry->file,
		O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (fd < 0)
		return fail(states, "open", entry->file, why);
	if (fstat(fd, &status) < 0 || !S_ISREG(status.st_mode)) {
		close(fd);
		errno = ENOENT;
		return fail(states, "not a regular file:", entry->file, why);
	}
	return fd;
}

bool states_is_shortage(int err)
{
	return err == EMFILE || err == ENFILE || err == ENOMEM;
}

char *states_read(int fd, size_t *size, struct reason *why)
{
	struct stat status;
	char *text;
	size_t used = 0;

	if (fstat(fd, &status) < 0) {
		reason_set(why, "%s", strerror(errno));
		return NULL;
	}
	if ((uint64_t)status.st_size > STATES_READ_MAX) {
		reason_set(why, "larger than %zu MiB", STATES_READ_MAX >> 20);
		return NULL;
	}
	*size = (size_t)status.st_size;
	text = malloc(*size + 1);
	while (text && used < *size) {
		ssize_t got = pread(fd, text + used, *size - used, (off_t)used);

		if (got > 0)
			used += (size_t)got;
		else if (got == 0)
			*size = used;	/* somebody cut it short meanwhile */
		else if (errno != EINTR)
			break;
	}
	if (!text || used < *size) {
		int err = text ? errno : ENOMEM;

		reason_set(why, "%s", strerror(err));
		free(text);
		errno = err;
		return NULL;
	}
	text[*size] = '\0';
	return text;
}

int states_read_envelope(int fd, struct envelope *envelope, struct reason *why)
{
	size_t size;
	char *text = states_read(fd, &size, why);
	struct stat status;
	int result;

	*envelope = (struct envelope){ .uuid = "" };
	if (!text)
		return fstat(fd, &status) == 0
			&& (uint64_t)status.st_size > STATES_READ_MAX ? -1 : -2;
	result = envelope_read(envelope, text, size, why);
	free(text);
	return result < 0 ? -1 : 0;
}

/* Whether the entry's name still leads to the open file: 1, 0, or -1 with errno
 * set where that cannot be told. */
static int leads_to(int directory, const char *file, int fd)
{
	struct stat named, open;

	if (fstatat(directory, file, &named, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT ? 0 : -1;
	if (fstat(fd, &open) < 0)
		return -1;
	return named.st_dev == open.st_dev && named.st_ino == open.st_ino;
}

/* Moved by whoever held the lock between our open and our lock? */
static enum claim_result check_claim(struct claim *claim, struct reason *why)
{
	const struct entry *entry = &claim->entry;
	int directory = states_directory(claim->states, entry, false, why);

	switch (directory < 0 ? 0 : leads_to(directory, entry->file, claim->fd)) {
	case 1:
		return CLAIM_OURS;
	case 0:
		return CLAIM_GONE;
	default:
		fail(claim->states, "look at", entry->file, why);
		return CLAIM_FAILED;
	}
}

enum claim_result states_claim(struct claim *claim, struct states *states,
	const struct entry *entry, struct reason *why)
{
	enum claim_result result = CLAIM_OURS;

	*claim = (struct claim){ .states = states, .entry = *entry };
	claim->fd = states_open_file(states, entry, why);
	if (claim->fd < 0)
		return errno == ENOENT || errno == ELOOP ? CLAIM_GONE : CLAIM_FAILED;
	if (flock(claim->fd, LOCK_EX | LOCK_NB) < 0) {
		result = errno == EWOULDBLOCK ? CLAIM_BUSY : CLAIM_FAILED;
		fail(states, "lock", entry->file, why);
	} else {
		result = check_claim(claim, why);
	}
	if (result != CLAIM_OURS)
		states_release(claim);
	return result;
}

void states_release(struct claim *claim)
{
	close(claim->fd);
	claim->fd = -1;
}

/* Whether a second event of one NAME may stand beside the first: not where it
 * would run at the same time, nor where the receiver gives the names. */
static bool may_differ(enum entry_state state)
{
	return state != STATE_WAITING && state != STATE_RUNNING;
}

/* Renames to the first name that is free; 0 or -1 with errno set. */
static int rename_to_free(int from, const char *file, int to, struct entry *entry)
{
	unsigned last = may_differ(entry->state) ? CLASHES_MAX : 1;

	for (unsigned clash = 1; clash <= last; clash++) {
		entry_format(entry, clash);
		if (spool_rename(from, file, to, entry->file) == 0)
			return 0;
		if (errno != EEXIST)
			return -1;
	}
	errno = EEXIST;
	return -1;
}

static void set_target(struct entry *entry, const struct target *target)
{
	entry->state = target->state;
	entry->attempt = target->attempt;
	entry->due = target->due;
	entry->day[0] = '\0';
	(void)snprintf(entry->reason, sizeof entry->reason, "%s",
		target->reason ? target->reason : "");
	if (target->state == STATE_DONE)
		states_day(entry->day, time(NULL));
}

static void note_dirty(struct states *states, const struct entry *entry)
{
	states->dirty |= STATE_BIT(entry->state);
}

/* Opens both directories of a move.  Days of done/ share one descriptor, so a
 * move from one day to another takes a copy of the first. */
static int open_both(struct states *states, const struct entry *from, int *from_fd,
	const struct entry *to, int *to_fd, struct reason *why)
{
	int directory = states_directory(states, from, false, why);

	if (directory < 0)
		return -1;
	*from_fd = fcntl(directory, F_DUPFD_CLOEXEC, 0);
	if (*from_fd < 0)
		return fail(states, "move from", entry_state_directory(from->state), why);
	*to_fd = states_directory(states, to, true, why);
	if (*to_fd < 0) {
		close(*from_fd);
		return -1;
	}
	return 0;
}

/* Renames to where `to` says.  A directory that somebody removed and that we
 * still have open takes nothing and says ENOENT: then it is made anew, once. */
static int rename_to(struct claim *claim, struct entry *to, int *to_fd,
	struct reason *why)
{
	struct states *states = claim->states;

	for (int attempt = 1;; attempt++) {
		int from_fd, result, err;
		bool vanished;

		if (open_both(states, &claim->entry, &from_fd, to, to_fd, why) < 0)
			return -1;
		result = rename_to_free(from_fd, claim->entry.file, *to_fd, to);
		err = errno;
		vanished = result < 0 && err == ENOENT && attempt == 1
			&& leads_to(from_fd, claim->entry.file, claim->fd) > 0;
		close(from_fd);
		if (!vanished) {
			errno = err;
			return result < 0 ? fail(states, "move to",
				entry_state_directory(to->state), why) : 0;
		}
		forget_directories(states);
	}
}

enum move_result states_move(struct claim *claim, const struct target *target,
	struct reason *why)
{
	struct entry to = claim->entry;
	int to_fd;

	set_target(&to, target);
	if (rename_to(claim, &to, &to_fd, why) < 0) {
		if (errno == ENOENT)
			return MOVE_GONE;
		return errno == EEXIST && !may_differ(target->state) ? MOVE_CLASH
			: MOVE_FAILED;
	}
	note_dirty(claim->states, &claim->entry);
	note_dirty(claim->states, &to);
	claim->entry = to;
	/* Not ours: a consumer took it, and another appeared by the same name. */
	return leads_to(to_fd, to.file, claim->fd) == 0 ? MOVE_GONE : MOVE_DONE;
}

enum move_result states_remove(struct claim *claim, struct reason *why)
{
	int directory = states_directory(claim->states, &claim->entry, false, why);

	if (directory < 0)
		return MOVE_FAILED;
	if (unlinkat(directory, claim->entry.file, 0) < 0) {
		if (errno == ENOENT)
			return MOVE_GONE;
		fail(claim->states, "remove", claim->entry.file, why);
		return MOVE_FAILED;
	}
	note_dirty(claim->states, &claim->entry);
	return MOVE_DONE;
}

int states_sync(struct states *states, struct reason *why)
{
	unsigned dirty = states->dirty;

	states->dirty = 0;
	for (int i = 0; i < STATE_COUNT; i++) {
		int fd = i == STATE_DONE ? states->day_fd : states->directories[i];

		if ((dirty & STATE_BIT(i)) && fd >= 0 && spool_make_durable(fd) < 0)
			return fail(states, "fsync of", entry_state_directory(
				(enum entry_state)i), why);
	}
	return 0;
}
