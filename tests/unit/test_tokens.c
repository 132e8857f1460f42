/* The file of verification tokens while it changes. */
#include "fixture.h"

#include <poll.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "tokens.h"

static bool is_accepted(struct tokens *tokens, const char *path, const char *token)
{
	struct reason why;

	assert_int_equal(tokens_update(tokens, path, &why), 0);
	return tokens_match(tokens, token);
}

/* Until the file is remembered. */
static void settle(struct tokens *tokens, const char *path)
{
	struct reason why;
	time_t deadline = time(NULL) + 10;

	while (tokens->file.st_ino == 0 && time(NULL) < deadline) {
		assert_int_equal(tokens_update(tokens, path, &why), 0);
		poll(NULL, 0, 20);
	}
	assert_true(tokens->file.st_ino != 0);
}

static void every_change_counts_at_once(void **state)
{
	static const mode_t others[] = { S_IROTH, S_IWOTH };
	struct fixture *f = *state;
	const char *path = fixture_file(f, "tokens", "token-1\n", 0640);
	struct tokens tokens = { 0 };
	struct reason why;

	assert_true(is_accepted(&tokens, path, "token-1"));
	/* In place, of the same length, within the clock's grain. */
	path = fixture_file(f, "tokens", "token-2\n", 0640);
	assert_false(is_accepted(&tokens, path, "token-1"));
	assert_true(is_accepted(&tokens, path, "token-2"));
	settle(&tokens, path);
	path = fixture_file(f, "tokens", "token-3\n", 0640);
	assert_true(is_accepted(&tokens, path, "token-3"));
	settle(&tokens, path);
	for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
		assert_int_equal(chmod(path, 0640 | others[i]), 0);
		assert_int_equal(tokens_update(&tokens, path, &why), -1);
		assert_null(tokens.text);
	}
	assert_int_equal(chmod(path, 0640), 0);
	assert_true(is_accepted(&tokens, path, "token-3"));
	tokens_free(&tokens);
}

static void an_unchanged_file_is_read_once(void **state)
{
	const char *path = fixture_file(*state, "tokens", "token-1\n", 0640);
	struct tokens tokens = { 0 };
	const char *text;

	settle(&tokens, path);
	text = tokens.text;
	tokens.text[0] = 'T';
	assert_true(is_accepted(&tokens, path, "Token-1"));
	assert_ptr_equal(tokens.text, text);
	tokens_free(&tokens);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(every_change_counts_at_once,
			fixture_set_up, fixture_tear_down),
		cmocka_unit_test_setup_teardown(an_unchanged_file_is_read_once,
			fixture_set_up, fixture_tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
