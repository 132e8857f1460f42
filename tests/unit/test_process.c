/* What keeps one bad thing from becoming all bad things: descriptors, signals,
 * a log that nobody reads. */
#include "fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "log.h"
#include "process.h"

/* The exit status of a function that runs in a child. */
static int in_child(int (*run)(void))
{
	pid_t child = fork();
	int status;

	assert_true(child >= 0);
	if (child == 0)
		_exit(run());
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static int open_after_closing_all(void)
{
	for (int fd = 0; fd <= STDERR_FILENO; fd++)
		close(fd);
	process_prepare();
	return open("/dev/null", O_RDONLY);
}

static void standard_descriptors_are_never_a_files(void **state)
{
	(void)state;
	assert_true(in_child(open_after_closing_all) > STDERR_FILENO);
}

static int write_beyond_the_limit(void)
{
	struct rlimit limit = { .rlim_cur = 100, .rlim_max = 100 };
	char path[] = "/tmp/ringspool-test-XXXXXX", block[200] = "";
	int fd = mkstemp(path), result;

	process_prepare();
	if (fd < 0 || unlink(path) < 0 || setrlimit(RLIMIT_FSIZE, &limit) < 0)
		return 1;
	if (write(fd, block, 100) != 100 || write(fd, block, 100) >= 0)
		result = 2;
	else
		result = errno == EFBIG ? 0 : 3;
	close(fd);
	return result;
}

static void a_file_size_limit_is_an_error(void **state)
{
	(void)state;
	assert_int_equal(in_child(write_beyond_the_limit), 0);
}

static int log_into_an_unread_pipe(void)
{
	struct log_line line;
	struct log log;
	int ends[2];

	if (pipe(ends) < 0 || dup2(ends[1], STDERR_FILENO) < 0)
		return 1;
	log_open(&log, "test", LOG_TO_STDERR, LOG_INFO);
	for (int i = 0; i < 10000; i++) {
		log_begin(&line, &log, LOG_INFO, "test");
		log_text(&line, "text", "many a line that nobody reads");
		log_end(&line);
	}
	return 0;
}

static void a_log_that_nobody_reads_is_not_waited_for(void **state)
{
	(void)state;
	assert_int_equal(in_child(log_into_an_unread_pipe), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(standard_descriptors_are_never_a_files),
		cmocka_unit_test(a_file_size_limit_is_an_error),
		cmocka_unit_test(a_log_that_nobody_reads_is_not_waited_for),
	};

	return cmocka_run_group_tests_name("process", tests, NULL, NULL);
}
