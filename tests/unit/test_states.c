/* Claims and moves between the states of a real spool. */
#include "fixture.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "states.h"

#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

struct world {
	struct fixture fixture;
	struct states *states;
	struct reason why;
};

static int set_up(void **state)
{
	static struct world world;

	fixture_make(&world.fixture);
	world.states = states_open(world.fixture.spool, 3, &world.why);
	assert_non_null(world.states);
	*state = &world;
	return 0;
}

static int tear_down(void **state)
{
	struct world *world = *state;

	states_close(world->states);
	fixture_remove(&world->fixture);
	return 0;
}

static void put(struct world *world, const char *path)
{
	int fd = open(spool_path(&world->fixture, path), O_WRONLY | O_CREAT | O_EXCL, 0640);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, "{}", 2), 2);
	close(fd);
}

static bool is_there(struct world *world, const char *path)
{
	return access(spool_path(&world->fixture, path), F_OK) == 0;
}

static struct entry entry_of(enum entry_state state, const char *file)
{
	struct entry entry;

	assert_true(entry_parse(&entry, state, file));
	return entry;
}

static struct claim claimed(struct world *world, enum entry_state state, const char *file)
{
	struct entry entry = entry_of(state, file);
	struct claim claim;

	assert_int_equal(states_claim(&claim, world->states, &entry, &world->why), CLAIM_OURS);
	return claim;
}

static void an_event_goes_through_its_states(void **state)
{
	struct world *world = *state;
	struct target running = { .state = STATE_RUNNING, .attempt = 1 };
	struct target retrying = { .state = STATE_RETRYING, .attempt = 1, .due = 99 };
	struct target failed = { .state = STATE_FAILED, .attempt = 2, .reason = "exit-1" };
	struct claim claim;

	put(world, "new/u1.json");
	claim = claimed(world, STATE_WAITING, "u1.json");
	assert_int_equal(states_move(&claim, &running, &world->why), MOVE_DONE);
	assert_true(is_there(world, "work/u1.1.json") && !is_there(world, "new/u1.json"));
	assert_int_equal(states_move(&claim, &retrying, &world->why), MOVE_DONE);
	assert_true(is_there(world, "retry/u1.1.99.json"));
	assert_int_equal(states_move(&claim, &failed, &world->why), MOVE_DONE);
	assert_true(is_there(world, "failed/u1.2.exit-1.json"));
	assert_int_equal(states_sync(world->states, &world->why), 0);
	assert_int_equal(states_remove(&claim, &world->why), MOVE_DONE);
	assert_int_equal(states_remove(&claim, &world->why), MOVE_GONE);
	states_release(&claim);
}

static void a_claim_excludes_another(void **state)
{
	struct world *world = *state;
	struct entry entry = entry_of(STATE_WAITING, "u1.json");
	struct claim first, second;

	put(world, "new/u1.json");
	first = claimed(world, STATE_WAITING, "u1.json");
	assert_int_equal(states_claim(&second, world->states, &entry, &world->why), CLAIM_BUSY);
	states_release(&first);
	second = claimed(world, STATE_WAITING, "u1.json");
	states_release(&second);
}

/* The lock is the description's: a process that inherited it keeps it. */
static void a_child_keeps_the_claim(void **state)
{
	struct world *world = *state;
	struct entry entry = entry_of(STATE_WAITING, "u1.json");
	struct claim claim, other;
	int pipe_ends[2];
	pid_t child;

	put(world, "new/u1.json");
	claim = claimed(world, STATE_WAITING, "u1.json");
	assert_int_equal(pipe(pipe_ends), 0);
	child = fork();
	if (child == 0) {
		char byte;

		close(pipe_ends[1]);
		_exit(read(pipe_ends[0], &byte, 1) == 0 ? 0 : 1);
	}
	states_release(&claim);
	assert_int_equal(states_claim(&other, world->states, &entry, &world->why), CLAIM_BUSY);
	close(pipe_ends[0]);
	close(pipe_ends[1]);
	assert_int_equal(waitpid(child, NULL, 0), child);
	other = claimed(world, STATE_WAITING, "u1.json");
	states_release(&other);
}

static void what_is_no_file_is_gone(void **state)
{
	static const char *const names[] = { "fifo.json", "link.json", "directory.json",
		"nothing.json" };
	struct world *world = *state;

	assert_int_equal(mkfifo(spool_path(&world->fixture, "new/fifo.json"), 0600), 0);
	assert_int_equal(symlink("/etc/passwd", spool_path(&world->fixture, "new/link.json")), 0);
	assert_int_equal(mkdir(spool_path(&world->fixture, "new/directory.json"), 0700), 0);
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		struct entry entry = entry_of(STATE_WAITING, names[i]);
		struct claim claim;

		assert_int_equal(states_claim(&claim, world->states, &entry, &world->why),
			CLAIM_GONE);
	}
}

/* Somebody who knows nothing of locks took the file, and the receiver put
 * another by the same name. */
static void what_was_moved_is_what_was_claimed(void **state)
{
	struct world *world = *state;
	struct target running = { .state = STATE_RUNNING, .attempt = 1 };
	struct claim claim;

	put(world, "new/u1.json");
	claim = claimed(world, STATE_WAITING, "u1.json");
	assert_int_equal(rename(spool_path(&world->fixture, "new/u1.json"),
		fixture_path(&world->fixture, "mine.json")), 0);
	assert_int_equal(states_move(&claim, &running, &world->why), MOVE_GONE);
	put(world, "new/u1.json");
	assert_int_equal(states_move(&claim, &running, &world->why), MOVE_GONE);
	states_release(&claim);
	/* The other is nobody's now: the next look finds it interrupted. */
	claim = claimed(world, STATE_RUNNING, "u1.1.json");
	states_release(&claim);
}

static void two_of_a_name_do_not_replace_each_other(void **state)
{
	static const struct {
		struct target target;
		enum move_result second;
		const char *file;
	} cases[] = {
		{ { .state = STATE_RUNNING, .attempt = 1 }, MOVE_CLASH, "work/u1.1.json" },
		{ { .state = STATE_HELD }, MOVE_DONE, "held/u1.c2.json" },
		{ { .state = STATE_FAILED, .attempt = 1, .reason = "timeout" }, MOVE_DONE,
			"failed/u1.1.timeout.c2.json" },
		{ { .state = STATE_RETRYING, .attempt = 1, .due = 5 }, MOVE_DONE,
			"retry/u1.1.5.c2.json" },
	};
	struct world *world = *state;

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct claim claim;

		for (int n = 0; n < 2; n++) {
			put(world, "new/u1.json");
			claim = claimed(world, STATE_WAITING, "u1.json");
			assert_int_equal(states_move(&claim, &cases[i].target, &world->why),
				n == 0 ? MOVE_DONE : cases[i].second);
			states_release(&claim);
		}
		assert_true(is_there(world, cases[i].file));
		(void)unlink(spool_path(&world->fixture, "new/u1.json"));
	}
}

static void a_directory_that_was_removed_is_made_anew(void **state)
{
	struct world *world = *state;
	struct target held = { .state = STATE_HELD };
	struct claim claim;

	for (int n = 0; n < 2; n++) {
		put(world, "new/u1.json");
		claim = claimed(world, STATE_WAITING, "u1.json");
		assert_int_equal(states_move(&claim, &held, &world->why), MOVE_DONE);
		assert_int_equal(states_remove(&claim, &world->why), MOVE_DONE);
		states_release(&claim);
		assert_int_equal(rmdir(spool_path(&world->fixture, "held")), 0);
	}
}

static int count(void *context, struct states *states, const struct entry *entry)
{
	(void)states;
	assert_true(entry->state != STATE_DONE || entry->day[0]);
	assert_int_equal(entry->size, 2);
	++*(unsigned *)context;
	return 0;
}

static void a_walk_meets_events_and_counts_what_is_strange(void **state)
{
	struct world *world = *state;
	unsigned found = 0;
	struct strange strange = { .count = 0 };

	put(world, "new/u1.json");
	put(world, "new/.hidden");
	assert_int_equal(mkdir(spool_path(&world->fixture, "done"), 0700), 0);
	assert_int_equal(mkdir(spool_path(&world->fixture, "done/2026-01-02"), 0700), 0);
	assert_int_equal(mkdir(spool_path(&world->fixture, "done/2026-01-0x"), 0700), 0);
	put(world, "done/2026-01-02/u2.json");
	put(world, "done/2026-01-0x/u3.json");
	assert_int_equal(states_each(world->states, STATES_ALL, count, &found, &strange,
		&world->why), 0);
	assert_int_equal(found, 2);
	assert_int_equal(strange.count, 1);	/* the day that is none */
	assert_string_equal(strange.example, spool_path(&world->fixture, "done/2026-01-0x"));
	put(world, "new/not an event");
	put(world, "done/u4.json");
	put(world, "done/2026-01-02/not an event");
	assert_int_equal(states_each(world->states, STATES_ALL, count, &found, &strange,
		&world->why), 0);
	assert_int_equal(strange.count, 5);
}

static void directories_have_the_spools_mode(void **state)
{
	struct world *world = *state;
	struct entry work = { .state = STATE_RUNNING };
	struct stat status;

	assert_true(states_directory(world->states, &work, true, &world->why) >= 0);
	assert_int_equal(stat(spool_path(&world->fixture, "work"), &status), 0);
	assert_int_equal(status.st_mode & 07777, 02770);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(an_event_goes_through_its_states),
		TEST(a_claim_excludes_another),
		TEST(a_child_keeps_the_claim),
		TEST(what_is_no_file_is_gone),
		TEST(what_was_moved_is_what_was_claimed),
		TEST(two_of_a_name_do_not_replace_each_other),
		TEST(a_directory_that_was_removed_is_made_anew),
		TEST(a_walk_meets_events_and_counts_what_is_strange),
		TEST(directories_have_the_spools_mode),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
