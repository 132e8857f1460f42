/*
 * Files of any name in a spool, as the operator's tool finds them: each is an
 * event or counted as strange, and what is taken from state to state stays one
 * file with the same bytes.
 *
 * An input is lines "D NAME", D being a digit that stands for a directory, then
 * an empty line, and what is in each file.
 */
#include "ground.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "states.h"

enum { FILES_MOST = 32 };

static const char *const directories[] = {
	"new", "work", "retry", "held", "failed", "done/2027-01-15", "bad", "done/x", "tmp"
};
enum { DIRECTORIES = sizeof directories / sizeof directories[0], IN_STATES = 7 };

static struct states *states;

/* What is in each file, and how many events were met. */
struct walk {
	const uint8_t *bytes;
	size_t size;
	unsigned events;
};

static bool is_name(const char *name)
{
	return name[0] && name[0] != '.' && strlen(name) < 256 && !strchr(name, '/');
}

/* Makes the files; returns how many there are where events are looked for. */
static unsigned make_files(char *list, const struct walk *walk)
{
	unsigned made = 0, files = 0;
	char *rest;

	for (char *line = strtok_r(list, "\n", &rest); line && files < FILES_MOST;
	     line = strtok_r(NULL, "\n", &rest)) {
		unsigned which = (unsigned)(line[0] - '0');
		const char *path;

		if (which >= DIRECTORIES || line[1] != ' ' || !is_name(line + 2))
			continue;
		path = ground_path("spool/%s/%s", directories[which], line + 2);
		if (access(path, F_OK) == 0)
			continue;
		ground_write(path, walk->bytes, walk->size, 0640);
		files++;
		made += which < IN_STATES;
	}
	return made;
}

static bool holds(int fd, const struct walk *walk)
{
	struct reason why;
	size_t size;
	char *text = states_read(fd, &size, &why);
	bool same = text && size == walk->size && memcmp(text, walk->bytes, size) == 0;

	free(text);
	return same;
}

static void check_entry(const struct entry *entry)
{
	struct entry again;
	char name[SPOOL_NAME_SIZE];

	require(entry_parse(&again, entry->state, entry->file));
	require(strcmp(again.name, entry->name) == 0 && again.attempt == entry->attempt
		&& again.due == entry->due && strcmp(again.reason, entry->reason) == 0);
	require(entry_name_from_word(name, entry->file));
	require(entry->state == STATE_BAD || strcmp(name, entry->name) == 0);
}

/* Through all states, as far as nothing of its name is in the way. */
static void move_about(struct claim *claim, const struct walk *walk)
{
	static const struct target targets[] = {
		{ .state = STATE_RUNNING, .attempt = 7 },
		{ .state = STATE_RETRYING, .attempt = 999999999, .due = 9999999999 },
		{ .state = STATE_FAILED, .attempt = 1, .reason = "exit-255" },
		{ .state = STATE_HELD }, { .state = STATE_DONE }, { .state = STATE_WAITING }
	};
	struct reason why;

	for (size_t i = 0; i < sizeof targets / sizeof targets[0]; i++) {
		enum move_result result = states_move(claim, &targets[i], &why);

		require(result == MOVE_DONE || result == MOVE_CLASH);
		require(claim->entry.state == targets[i].state || result == MOVE_CLASH);
		check_entry(&claim->entry);
		require(holds(claim->fd, walk));
	}
}

static int meet(void *context, struct states *all, const struct entry *entry)
{
	struct walk *walk = context;
	struct envelope envelope;
	struct claim claim;
	struct reason why;

	check_entry(entry);
	walk->events++;
	require(states_claim(&claim, all, entry, &why) == CLAIM_OURS);
	require(holds(claim.fd, walk));
	require(states_read_envelope(claim.fd, &envelope, &why) >= -1);
	if (entry->state != STATE_BAD)
		move_about(&claim, walk);
	require(states_remove(&claim, &why) == MOVE_DONE);
	states_release(&claim);
	return 0;
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	struct reason why;

	(void)argc;
	(void)argv;
	ground_make();
	ground_directory(ground_path("spool"), 02770);
	states = states_open(ground_path("spool"), 3, &why);
	ground_directory(ground_path("spool/done"), 02770);
	for (size_t i = 0; i < DIRECTORIES; i++)
		if (access(ground_path("spool/%s", directories[i]), F_OK) != 0)
			ground_directory(ground_path("spool/%s", directories[i]), 02770);
	return states ? 0 : 1;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *list = ground_cut(&data, &size, "\n\n");
	struct walk walk = { .bytes = data, .size = size };
	unsigned files = make_files(list, &walk);
	struct strange strange = { .count = 0 };
	struct reason why;

	/* In no order: one may be met that was moved; all are removed. */
	require(states_each(states, STATES_ALL, meet, &walk, &strange, &why) == 0);
	require(walk.events + strange.count >= files);
	require(states_sync(states, &why) == 0);
	for (size_t i = 0; i < DIRECTORIES; i++)
		ground_harvest(ground_path("spool/%s", directories[i]), NULL, NULL);
	free(list);
	return 0;
}
