/* The order within a key, step by step, between two that work on one spool. */
#include "fixture.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../../spool/serial.h"

#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

/* Two programs: each has opened the spool for itself. */
struct world {
	struct fixture fixture;
	struct config config;
	struct spools spools[2];
	struct serial *serial[2];
	struct picked older, younger;	/* of one owner, both waiting */
	struct reason why;
};

static void put(struct world *world, const char *file, time_t received)
{
	static const char body[] = "{\"uuid\":\"u\",\"ownerId\":\"1\"}";
	const struct timespec times[2] = { { .tv_sec = received }, { .tv_sec = received } };
	int fd = open(spool_path(&world->fixture, file), O_WRONLY | O_CREAT, 0640);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, body, strlen(body)), (ssize_t)strlen(body));
	assert_int_equal(futimens(fd, times), 0);
	close(fd);
}

static struct picked pick(enum entry_state state, const char *file, time_t received)
{
	struct picked picked = { .states = NULL };

	assert_true(entry_parse(&picked.entry, state, file));
	picked.entry.received.tv_sec = received;
	return picked;
}

static int set_up(void **state)
{
	static struct world world;

	memset(&world, 0, sizeof world);
	fixture_make(&world.fixture);
	strcpy(world.config.spool, world.fixture.spool);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(spools_open(&world.spools[i], &world.config, &world.why), 0);
		world.serial[i] = serial_open(&world.spools[i], SERIAL_OWNER, &world.why);
		assert_non_null(world.serial[i]);
	}
	put(&world, "new/a.json", 100);
	put(&world, "new/b.json", 200);
	world.older = pick(STATE_WAITING, "a.json", 100);
	world.younger = pick(STATE_WAITING, "b.json", 200);
	*state = &world;
	return 0;
}

static int tear_down(void **state)
{
	struct world *world = *state;

	for (int i = 0; i < 2; i++) {
		serial_close(world->serial[i]);
		spools_close(&world->spools[i]);
	}
	fixture_remove(&world->fixture);
	return 0;
}

static enum serial_result try(struct world *world, int who, struct picked *picked, int *key)
{
	serial_begin_round(world->serial[who]);
	picked->states = world->spools[who].states[0];
	return serial_try(world->serial[who], picked, false, key, &world->why);
}

/* Before the first has claimed and moved anything. */
static void the_key_is_locked_from_the_first_look_on(void **state)
{
	struct world *world = *state;
	int first, second;

	assert_int_equal(try(world, 0, &world->older, &first), SERIAL_FREE);
	assert_int_equal(try(world, 1, &world->younger, &second), SERIAL_BUSY);
	close(first);
	assert_int_equal(try(world, 1, &world->younger, &second), SERIAL_FREE);
	close(second);
}

static void move(struct world *world, const char *from, const char *to)
{
	struct entry work = { .state = STATE_RUNNING }, retry = { .state = STATE_RETRYING };

	assert_true(states_directory(world->spools[0].states[0], &work, true, &world->why) >= 0);
	assert_true(states_directory(world->spools[0].states[0], &retry, true, &world->why) >= 0);
	assert_int_equal(rename(spool_path(&world->fixture, from),
		spool_path(&world->fixture, to)), 0);
}

/* Though a look just before, within the clock's grain, saw nothing of it. */
static void what_went_to_retry_since_the_last_look_is_seen(void **state)
{
	struct world *world = *state;
	int key;

	move(world, "new/a.json", "work/a.1.json");
	assert_int_equal(try(world, 1, &world->younger, &key), SERIAL_STRANDED);
	move(world, "work/a.1.json", "retry/a.1.99.json");
	assert_int_equal(try(world, 1, &world->younger, &key), SERIAL_BLOCKED);
	assert_int_equal(unlink(spool_path(&world->fixture, "retry/a.1.99.json")), 0);
	assert_int_equal(try(world, 1, &world->younger, &key), SERIAL_FREE);
	close(key);
}

static void a_younger_one_in_retry_holds_nobody_back(void **state)
{
	struct world *world = *state;
	int key;

	move(world, "new/b.json", "retry/b.1.99.json");
	assert_int_equal(try(world, 1, &world->older, &key), SERIAL_FREE);
	close(key);
}

/* Whoever runs it has locked the key in the other spool, which was the first
 * when that was started. */
static void a_younger_one_that_runs_is_waited_for(void **state)
{
	struct world *world = *state;
	int key;

	move(world, "new/b.json", "work/b.1.json");
	assert_int_equal(try(world, 1, &world->older, &key), SERIAL_STRANDED);
	assert_int_equal(key, -1);
}

static void a_key_stays_blocked_for_the_round(void **state)
{
	struct world *world = *state;
	int first, second;

	assert_int_equal(try(world, 0, &world->older, &first), SERIAL_FREE);
	assert_int_equal(try(world, 1, &world->older, &second), SERIAL_BUSY);
	close(first);
	world->younger.states = world->spools[1].states[0];
	assert_int_equal(serial_try(world->serial[1], &world->younger, false, &second, &world->why),
		SERIAL_BLOCKED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(the_key_is_locked_from_the_first_look_on),
		TEST(what_went_to_retry_since_the_last_look_is_seen),
		TEST(a_younger_one_in_retry_holds_nobody_back),
		TEST(a_younger_one_that_runs_is_waited_for),
		TEST(a_key_stays_blocked_for_the_round),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
