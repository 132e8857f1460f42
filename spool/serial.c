#include "serial.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* What picked.mark means: the key's hash, or one of these. */
enum { KEY_UNKNOWN = 0, KEY_NONE = 1, KEYS_BEGIN = 2 };

enum {
	LOCK_MODE = 0660,
	GROW = 256,
	STAMPS = 2 * SPOOLS,
	GRAIN_MS = 50
};

/* A file in retry/ or work/. */
struct ahead {
	const struct states *states;
	char file[ENTRY_FILE_SIZE];
	enum entry_state state;
	struct timespec received;
	uint64_t key;
};

struct list {
	struct ahead *items;
	size_t count, room;
};

struct keys {
	uint64_t *items;
	size_t count, room;
};

struct serial {
	struct spools *spools;
	enum serial_by by;
	struct keys blocked;	/* in this round, in order */
	struct keys behind;	/* the same for what is behind it */
	struct list ahead;	/* by spool and file */
	struct timespec looked;	/* when `ahead` was read, */
	struct timespec stamps[STAMPS];	/* and what the directories showed */
};

struct serial *serial_open(struct spools *spools, enum serial_by by,
	struct reason *why)
{
	struct serial *serial = calloc(1, sizeof *serial);

	if (!serial) {
		reason_set(why, "out of memory");
		return NULL;
	}
	serial->spools = spools;
	serial->by = by;
	return serial;
}

void serial_close(struct serial *serial)
{
	if (!serial)
		return;
	free(serial->blocked.items);
	free(serial->behind.items);
	free(serial->ahead.items);
	free(serial);
}

void serial_begin_round(struct serial *serial)
{
	serial->blocked.count = 0;
}

/* FNV-1a; two keys that meet only wait for each other. */
static uint64_t hash(const char *text)
{
	uint64_t value = UINT64_C(14695981039346656037);

	for (; *text; text++)
		value = (value ^ (unsigned char)*text) * UINT64_C(1099511628211);
	return value < KEYS_BEGIN ? KEYS_BEGIN : value;
}

static uint64_t key_of(const struct serial *serial, const struct envelope *envelope)
{
	const char *text = serial->by == SERIAL_OWNER ? envelope->owner
		: serial->by == SERIAL_SUBSCRIPTION ? envelope->subscription
		: envelope->event;

	return text[0] ? hash(text) : KEY_NONE;
}

/* 1: *key is known, 0: the file is gone; with *why filled -1 for a want of the
 * system's, or -2 for a fault of the file alone. */
static int read_key(const struct serial *serial, struct states *states,
	const struct entry *entry, uint64_t *key, struct reason *why)
{
	struct envelope envelope;
	int fd = states_open_file(states, entry, why);
	bool shortage;
	int read;

	if (fd < 0 && (errno == ENOENT || errno == ELOOP))
		return 0;
	if (fd < 0)
		return states_is_shortage(errno) ? -1 : -2;
	read = states_read_envelope(fd, &envelope, why);
	shortage = states_is_shortage(errno);
	close(fd);
	if (read == -2)
		return shortage ? -1 : -2;
	*key = read < 0 ? KEY_NONE : key_of(serial, &envelope);
	return 1;
}

/* Where a key is, or belongs, among the blocked ones. */
static size_t find_key(const struct keys *keys, uint64_t key)
{
	size_t low = 0, high = keys->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (keys->items[middle] < key)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static bool is_blocked(const struct keys *keys, uint64_t key)
{
	size_t at = find_key(keys, key);

	return at < keys->count && keys->items[at] == key;
}

/* `items` with room for one more; NULL when memory is short. */
static void *with_room(void *items, size_t count, size_t *room, size_t size)
{
	size_t more = *room + *room / 2 + GROW;

	if (count < *room)
		return items;
	items = reallocarray(items, more, size);
	if (items)
		*room = more;
	return items;
}

static int block(struct keys *keys, uint64_t key, struct reason *why)
{
	size_t at = find_key(keys, key);
	uint64_t *items;

	if (key < KEYS_BEGIN || is_blocked(keys, key))
		return 0;
	items = with_room(keys->items, keys->count, &keys->room, sizeof *items);
	if (!items)
		return reason_set(why, "out of memory");
	keys->items = items;
	memmove(keys->items + at + 1, keys->items + at,
		(keys->count - at) * sizeof keys->items[0]);
	keys->items[at] = key;
	keys->count++;
	return 0;
}

int serial_block(struct serial *serial, const struct picked *picked, bool behind,
	struct reason *why)
{
	return block(behind ? &serial->behind : &serial->blocked, picked->mark, why);
}

int serial_begin_behind(struct serial *serial, struct reason *why)
{
	serial->behind.count = 0;
	for (size_t i = 0; i < serial->blocked.count; i++)
		if (block(&serial->behind, serial->blocked.items[i], why) < 0)
			return -1;
	return 0;
}

/* Opens and locks a key: the descriptor, or -1 with errno EAGAIN where another
 * holds it. */
static int lock_key(struct serial *serial, uint64_t key, struct reason *why)
{
	struct entry work = { .state = STATE_RUNNING };
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET,
		.l_start = (off_t)(key >> 1), .l_len = 1 };
	struct states *first = serial->spools->states[0] ? serial->spools->states[0]
		: serial->spools->states[1];
	int directory = states_directory(first, &work, true, why);
	int fd, err;

	if (directory < 0)
		return -1;
	fd = openat(directory, ".serial", O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC,
		LOCK_MODE);
	if (fd >= 0 && fcntl(fd, F_OFD_SETLK, &lock) == 0)
		return fd;
	err = errno;
	reason_set(why, "spool %.200s: work/.serial: %s", states_path(first), strerror(err));
	if (fd >= 0)
		close(fd);
	errno = err == EACCES && fd >= 0 ? EAGAIN : err;
	return -1;
}

static int compare_ahead(const void *left, const void *right)
{
	const struct ahead *a = left, *b = right;

	if (a->states != b->states)
		return a->states < b->states ? -1 : 1;
	if (a->state != b->state)
		return a->state < b->state ? -1 : 1;
	return strcmp(a->file, b->file);
}

struct looking {
	struct serial *serial;
	struct list found;
	struct reason *why;
};

static int add_ahead(void *context, struct states *states, const struct entry *entry)
{
	struct looking *looking = context;
	const struct list *known = &looking->serial->ahead;
	struct ahead ahead = { .states = states, .state = entry->state,
		.received = entry->received };
	struct list *found = &looking->found;
	struct ahead *items;
	const struct ahead *before;
	int read;

	strcpy(ahead.file, entry->file);	/* of the same size */
	before = known->count > 0 ? bsearch(&ahead, known->items, known->count,
		sizeof ahead, compare_ahead) : NULL;
	if (before) {
		ahead.key = before->key;
	} else {
		read = read_key(looking->serial, states, entry, &ahead.key, looking->why);
		if (read <= 0)	/* unreadable: `run` says so when its turn comes */
			return read == -1 ? -1 : 0;
	}
	items = with_room(found->items, found->count, &found->room, sizeof ahead);
	if (!items)
		return reason_set(looking->why, "out of memory");
	found->items = items;
	found->items[found->count++] = ahead;
	return 0;
}

/* When retry/ and work/ of both spools changed last. */
static void take_stamps(const struct serial *serial, struct timespec stamps[STAMPS])
{
	static const enum entry_state states[] = { STATE_RETRYING, STATE_RUNNING };
	struct reason ignored;

	memset(stamps, 0, STAMPS * sizeof stamps[0]);
	for (unsigned i = 0; i < STAMPS; i++) {
		struct states *spool = serial->spools->states[i / 2];
		struct entry entry = { .state = states[i % 2] };
		struct stat status;
		int fd = spool ? states_directory(spool, &entry, false, &ignored) : -1;

		if (fd >= 0 && fstat(fd, &status) == 0)
			stamps[i] = status.st_mtim;
	}
}

/* Whether the directories are what they were.  A change within the clock's
 * grain of the last look might not show: then no. */
static bool is_unchanged(struct serial *serial)
{
	struct timespec stamps[STAMPS], now;
	bool same, settled = true;

	take_stamps(serial, stamps);
	same = memcmp(stamps, serial->stamps, sizeof stamps) == 0;
	for (unsigned i = 0; i < STAMPS; i++)
		settled = settled && (serial->looked.tv_sec - stamps[i].tv_sec) * 1000
			+ (serial->looked.tv_nsec - stamps[i].tv_nsec) / 1000000 > GRAIN_MS;
	if (same && settled)
		return true;
	clock_gettime(CLOCK_REALTIME, &now);
	serial->looked = now;
	memcpy(serial->stamps, stamps, sizeof stamps);
	return false;
}

/* Reads retry/ and work/ of both spools; only names that are new are opened. */
static int look_ahead(struct serial *serial, struct reason *why)
{
	struct looking looking = { .serial = serial, .why = why };

	if (is_unchanged(serial))
		return 0;
	for (unsigned i = 0; i < serial->spools->count; i++) {
		if (!serial->spools->states[i])
			continue;
		if (states_each(serial->spools->states[i], STATE_BIT(STATE_RETRYING)
		    | STATE_BIT(STATE_RUNNING), add_ahead, &looking, NULL, why) != 0) {
			free(looking.found.items);
			memset(serial->stamps, 0, sizeof serial->stamps);
			return -1;
		}
	}
	free(serial->ahead.items);
	serial->ahead = looking.found;
	if (serial->ahead.count > 0)
		qsort(serial->ahead.items, serial->ahead.count,
			sizeof serial->ahead.items[0], compare_ahead);
	return 0;
}

static bool is_older(const struct timespec *a, const struct timespec *b)
{
	return a->tv_sec != b->tv_sec ? a->tv_sec < b->tv_sec : a->tv_nsec < b->tv_nsec;
}

/* Under the key's lock: whether an older event of the key is on its way, or any
 * is in work/.  That is a leftover, or was started while another spool was the
 * first one, under the lock of that. */
static enum serial_result look_for_older(struct serial *serial,
	const struct picked *picked, struct reason *why)
{
	enum serial_result result = SERIAL_FREE;

	if (look_ahead(serial, why) < 0)
		return SERIAL_FAILED;
	for (size_t i = 0; i < serial->ahead.count; i++) {
		const struct ahead *ahead = &serial->ahead.items[i];

		if (ahead->key != picked->mark)
			continue;
		if (ahead->state == STATE_RUNNING)
			return SERIAL_STRANDED;
		if (is_older(&ahead->received, &picked->entry.received))
			result = SERIAL_BLOCKED;
	}
	return result;
}

static enum serial_result try_key(struct serial *serial, struct picked *picked,
	int *key, struct reason *why)
{
	enum serial_result result;

	*key = lock_key(serial, picked->mark, why);
	if (*key < 0)
		return errno == EAGAIN ? SERIAL_BUSY : SERIAL_FAILED;
	result = look_for_older(serial, picked, why);
	if (result != SERIAL_FREE) {
		close(*key);
		*key = -1;
	}
	return result;
}

enum serial_result serial_try(struct serial *serial, struct picked *picked,
	bool behind, int *key, struct reason *why)
{
	enum serial_result result;
	int read;

	*key = -1;
	if (picked->mark == KEY_UNKNOWN) {
		read = read_key(serial, picked->states, &picked->entry, &picked->mark, why);
		if (read <= 0)
			return read == 0 ? SERIAL_GONE : read == -1 ? SERIAL_FAILED
				: SERIAL_UNREADABLE;
	}
	if (picked->mark == KEY_NONE)
		return SERIAL_FREE;
	if (is_blocked(behind ? &serial->behind : &serial->blocked, picked->mark))
		return SERIAL_BLOCKED;
	result = try_key(serial, picked, key, why);
	if (result != SERIAL_FREE && result != SERIAL_FAILED
	    && serial_block(serial, picked, behind, why) < 0)
		return SERIAL_FAILED;
	return result;
}
