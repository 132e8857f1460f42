/* What `run` takes next where more waits than the queue holds. */
#include "fixture.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../../spool/queue.h"

#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

enum { HELD_AT_ONCE = 16384, MANY = HELD_AT_ONCE + 10 };

struct world {
	struct fixture fixture;
	struct config config;
	struct spools spools;
	struct queue queue;
	struct reason why;
};

static void unreadable(void *context, const struct entry *entry, const struct reason *why)
{
	(void)context;
	fail_msg("%s: %s", entry->file, why->text);
}

static int set_up(void **state)
{
	static struct world world;
	char file[32];

	memset(&world, 0, sizeof world);
	fixture_make(&world.fixture);
	strcpy(world.config.spool, world.fixture.spool);
	assert_int_equal(spools_open(&world.spools, &world.config, &world.why), 0);
	assert_int_equal(queue_init(&world.queue, &world.spools, NULL, unreadable, NULL,
		&world.why), 0);
	for (int i = 0; i < MANY; i++) {
		const struct timespec times[2] = { { .tv_sec = i }, { .tv_sec = i } };
		int fd;

		(void)snprintf(file, sizeof file, "new/%d.json", i);
		fd = open(spool_path(&world.fixture, file), O_WRONLY | O_CREAT, 0640);
		assert_true(fd >= 0);
		assert_int_equal(futimens(fd, times), 0);
		close(fd);
	}
	*state = &world;
	return 0;
}

static int tear_down(void **state)
{
	struct world *world = *state;

	queue_free(&world->queue);
	spools_close(&world->spools);
	fixture_remove(&world->fixture);
	return 0;
}

/* Goes through what the queue has: uses up or passes over; how many it met. */
static int go_through(struct world *world, bool use, int first)
{
	struct picked *picked;
	int met = 0;

	queue_rewind(&world->queue);
	while ((picked = queue_next(&world->queue)) != NULL) {
		assert_int_equal(picked->entry.received.tv_sec, first + met);
		assert_int_equal(queue_is_behind(&world->queue, picked),
			!use && first + met >= HELD_AT_ONCE);
		(use ? queue_use : queue_pass)(&world->queue, picked);
		met++;
	}
	queue_end_round(&world->queue);
	return met;
}

/* Those that were used up are still there, as where others have them. */
static void it_goes_on_behind_what_was_used_up(void **state)
{
	struct world *world = *state;

	assert_int_equal(queue_read(&world->queue, &world->why), 1);
	assert_int_equal(go_through(world, true, 0), HELD_AT_ONCE);
	assert_int_equal(queue_wait(&world->queue), 0);
	assert_int_equal(queue_read(&world->queue, &world->why), 1);
	assert_int_equal(go_through(world, true, HELD_AT_ONCE), MANY - HELD_AT_ONCE);
	assert_int_equal(queue_read(&world->queue, &world->why), 0);
	assert_false(queue_wants_reading(&world->queue));
}

/* Once, until something may have changed. */
static void it_looks_behind_what_was_passed_over(void **state)
{
	struct world *world = *state;

	assert_int_equal(queue_read(&world->queue, &world->why), 1);
	assert_false(world->queue.behind_anew);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(go_through(world, false, 0),
			i == 0 ? HELD_AT_ONCE : MANY);
		if (i == 0)
			assert_int_equal(queue_wait(&world->queue), 0);
		else
			queue_note_passed(&world->queue);
		assert_true(queue_wants_reading(&world->queue));
		world->queue.not_before = i == 0 ? INT64_MAX : 0;
		assert_int_equal(queue_read(&world->queue, &world->why), 1);
		assert_true(world->queue.behind_anew);
		assert_int_equal(go_through(world, false, 0), MANY);
		assert_int_equal(queue_read(&world->queue, &world->why), 0);
		assert_false(queue_wants_reading(&world->queue));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(it_goes_on_behind_what_was_used_up),
		TEST(it_looks_behind_what_was_passed_over),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
