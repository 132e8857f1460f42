/* The state: kept whole, read strictly, lost without harm. */
#include "fixture.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../../renew/state.h"
#include "../../renew/store.h"

static struct fixture fixture;
static int directory;

static int make(void **state)
{
	struct reason why;

	(void)state;
	fixture_make(&fixture);
	directory = store_open(fixture_path(&fixture, "state"), &why);
	return directory < 0;
}

static int take_away(void **state)
{
	(void)state;
	close(directory);
	fixture_remove(&fixture);
	return 0;
}

static void load(struct state *state, int wanted)
{
	struct reason note;

	assert_int_equal(state_load(state, directory, &note), wanted);
}

static void save(const struct state *state)
{
	struct reason why;

	assert_int_equal(state_save(state, directory, &why), 0);
}

static void all_that_is_learnt_comes_back(void **unused)
{
	struct disabled_filter disabled = { (char *)"/x", (char *)"SUB-412", (char *)"no \"p\"" };
	struct record record = { .disabled = &disabled, .disabled_count = 1 };
	struct state before, after;
	struct known *known;

	(void)unused;
	load(&before, 1);
	known = state_know(&before, "inbound");
	assert_int_equal(known_set_text(&known->id, "the-id"), 0);
	assert_int_equal(known_set_text(&known->status, "Active"), 0);
	assert_int_equal(known_set_text(&known->error, "a\nb"), 0);
	assert_int_equal(known_add_old(known, "old-1"), 0);
	assert_int_equal(known_add_old(known, "old-2"), 0);
	assert_int_equal(known_set_disabled(known, &record), 0);
	strcpy(known->token, "digest");
	strcpy(known->code, "SUB-525");
	known->lifetime = 315360000;
	known->tries = 3;
	known->next_try = 4000000000;
	known->error_status = 69;
	before.retry_until = 1800000000;
	before.told = calloc(1, sizeof *before.told);
	before.told[0] = (struct told){ .key = strdup("run x"), .since = 1, .at = 2,
		.failure = true };
	before.told_count = 1;
	save(&before);
	load(&after, 0);
	known = state_find(&after, "inbound");
	assert_non_null(known);
	assert_memory_equal(before.key, after.key, sizeof before.key);
	assert_int_equal(after.retry_until, 1800000000);
	assert_string_equal(known->id, "the-id");
	assert_string_equal(known->status, "Active");
	assert_string_equal(known->error, "a\nb");
	assert_int_equal(known->old_count, 2);
	assert_string_equal(known->old[1], "old-2");
	assert_string_equal(known->disabled[0].message, "no \"p\"");
	assert_string_equal(known->token, "digest");
	assert_string_equal(known->code, "SUB-525");
	assert_int_equal(known->lifetime, 315360000);
	assert_int_equal(known->tries, 3);
	assert_int_equal(known->next_try, 4000000000);
	assert_string_equal(after.told[0].key, "run x");
	assert_true(after.told[0].failure);
	assert_ptr_equal(state_find_id(&after, "the-id"), known);
	state_free(&before);
	state_free(&after);
}

static void a_fresh_state_has_a_key_of_its_own(void **unused)
{
	struct state one, other;

	(void)unused;
	load(&one, 1);
	load(&other, 1);
	assert_memory_not_equal(one.key, other.key, sizeof one.key);
}

static void what_cannot_be_trusted_is_set_aside(void **unused)
{
	static const char *const texts[] = { "", "{}", "null", "{\"version\":1}",
		("{\"version\":1,\"key\":\"00\",\"retry_until\":0,\"last_good\":0,"
			"\"subscriptions\":[],\"told\":[]}") };
	struct state state;

	(void)unused;
	for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
		fixture_file(&fixture, "state/state.json", texts[i], 0600);
		load(&state, 1);
		state_free(&state);
		assert_true(file_holds(fixture_path(&fixture, "state/state.json.damaged"),
			texts[i], strlen(texts[i])));
		assert_int_equal(access(fixture_path(&fixture, "state/state.json"), F_OK), -1);
	}
}

/* Every prefix of a good file is a file that a careless writer could leave. */
static void no_half_of_it_is_believed(void **unused)
{
	char text[4000] = "";
	struct state state;
	size_t size;
	FILE *file;

	(void)unused;
	load(&state, 1);
	assert_non_null(state_know(&state, "a"));
	save(&state);
	state_free(&state);
	file = fopen(fixture_path(&fixture, "state/state.json"), "r");
	assert_non_null(file);
	size = fread(text, 1, sizeof text - 1, file);
	assert_int_equal(fclose(file), 0);
	for (size_t i = 1; i < size; i++) {
		text[size - i] = '\0';
		fixture_file(&fixture, "state/state.json", text, 0600);
		load(&state, 1);
		state_free(&state);
	}
}

static void entries_are_forgotten(void **unused)
{
	struct state state;

	(void)unused;
	load(&state, 1);
	assert_non_null(state_know(&state, "a"));
	assert_non_null(state_know(&state, "b"));
	assert_non_null(state_know(&state, "c"));
	assert_int_equal(known_set_text(&state_find(&state, "b")->id, "1"), 0);
	state_forget(&state, "a");
	state_forget(&state, "nobody");
	assert_null(state_find(&state, "a"));
	assert_string_equal(state_find_id(&state, "1")->name, "b");
	assert_int_equal(known_add_old(state_find(&state, "b"), "x"), 0);
	assert_int_equal(known_add_old(state_find(&state, "b"), "x"), 0);
	assert_int_equal(state_find(&state, "b")->old_count, 1);
	known_drop_old(state_find(&state, "b"), "x");
	assert_int_equal(state_find(&state, "b")->old_count, 0);
	state_free(&state);
}

static void a_second_lock_says_since_when_the_first_is_held(void **unused)
{
	const struct timespec hour_ago[2] = { { .tv_sec = time(NULL) - 3600 },
		{ .tv_sec = time(NULL) - 3600 } };
	struct reason why;
	long age = 0;
	int lock = store_lock(directory, 0, &age, &why);

	(void)unused;
	assert_true(lock >= 0);
	assert_int_equal(futimens(lock, hour_ago), 0);
	assert_int_equal(store_lock(directory, 0, &age, &why), -2);
	assert_in_range(age, 3600, 3700);
	close(lock);
	lock = store_lock(directory, 0, &age, &why);
	assert_true(lock >= 0);
	close(lock);
}

static void a_directory_that_others_can_change_is_refused(void **unused)
{
	struct reason why;

	(void)unused;
	assert_int_equal(chmod(fixture_path(&fixture, "state"), 0777), 0);
	assert_int_equal(store_open(fixture_path(&fixture, "state"), &why), -1);
	assert_non_null(strstr(why.text, "may be changed by others"));
	assert_int_equal(store_open(fixture_path(&fixture, "no/such"), &why), -1);
	assert_non_null(strstr(why.text, "directory above is missing"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, make, take_away)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(all_that_is_learnt_comes_back),
		TEST(a_fresh_state_has_a_key_of_its_own),
		TEST(what_cannot_be_trusted_is_set_aside),
		TEST(no_half_of_it_is_believed),
		TEST(entries_are_forgotten),
		TEST(a_second_lock_says_since_when_the_first_is_held),
		TEST(a_directory_that_others_can_change_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
