/*
 * ringspool.cgi: the CGI front end (RFC 3875), one process a request.
 *
 * The options count only where no web server is the caller: a request's query
 * string without '=' arrives as arguments (RFC 3875, section 4.4).
 */
#include <errno.h>
#include <getopt.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sysexits.h>
#include <unistd.h>

#include "clock.h"
#include "confine.h"
#include "handler.h"
#include "process.h"
#include "selftest.h"

static const char program[] = "ringspool.cgi";

static int usage(FILE *out, int status)
{
	fprintf(out, "usage: %s -T [-c CONFIG] | -V | -h\n"
		"  -T         test the configuration and the spool, print what is in force\n"
		"  -c CONFIG  read this file instead of " CONFIG_DEFAULT_FILE "\n"
		"  -V         print the version\n"
		"  -h         print this help\n"
		"A web server runs it as a CGI program, without options; see %s(8).\n",
		program, program);
	return status;
}

static int run_by_hand(int argc, char **argv)
{
	const char *file = NULL;
	bool test = false;
	struct config config;
	struct reason why;
	int option;

	while ((option = getopt(argc, argv, "Tc:Vh")) != -1) {
		switch (option) {
		case 'T':
			test = true;
			break;
		case 'c':
			file = optarg;
			break;
		case 'V':
			printf("%s %s\n", program, RINGSPOOL_VERSION);
			return EX_OK;
		case 'h':
			return usage(stdout, EX_OK);
		default:
			return usage(stderr, EX_USAGE);
		}
	}
	if (!test || optind < argc)
		return usage(stderr, EX_USAGE);
	if (config_load(&config, file, &why) < 0) {
		fprintf(stderr, "%s: %s\n", program, why.text);
		return EX_CONFIG;
	}
	return selftest(&config, stdout) > 0 ? EX_CONFIG : EX_OK;
}

static const char *meta_variable(void *context, const char *name)
{
	(void)context;
	return getenv(name);
}

/* Reads standard input until the deadline, an int64_t of clock_milliseconds(). */
static ssize_t read_body(void *source, char *buffer, size_t size)
{
	const int64_t *deadline = source;
	struct pollfd input = { .fd = STDIN_FILENO, .events = POLLIN };

	for (;;) {
		int64_t left = *deadline - clock_milliseconds();
		int ready = poll(&input, 1, left > 0 ? (int)left : 0);
		ssize_t got = ready > 0 ? read(STDIN_FILENO, buffer, size) : -1;

		if (ready == 0 || got >= 0 || errno != EINTR)
			return got;
	}
}

static void send_response(const struct response *response)
{
	char text[RESPONSE_SIZE];
	size_t length = response_format(response, text);

	/* The header block is shorter than a pipe: one write takes it whole.
	 * Where the server is gone nobody is left to be told. */
	if (write(STDOUT_FILENO, text, length) < 0)
		return;
	close(STDOUT_FILENO);
}

static int answer_request(void)
{
	struct request request = { .read = read_body };
	struct response response;
	struct receiver receiver;
	struct delivery delivery;
	struct config config;
	struct reason why, unconfined;
	int64_t deadline;
	bool configured = config_load(&config, NULL, &why) == 0;

	/* All times are UTC, but without this gmtime_r(3) reads /etc/localtime:
	 * a hundredth of a request.  Only syslog(3) wants the local time. */
	if (config.log != LOG_TO_SYSLOG)
		setenv("TZ", "UTC0", 1);
	/* Where that cannot be, -T says so; a line a request would say too much. */
	if (CONFINE_POSSIBLE && config.confine)
		(void)confine(&config, true, &unconfined);
	receiver_open(&receiver, program, &config, configured ? NULL : why.text);
	request_from_meta(&request, meta_variable, NULL);
	deadline = clock_milliseconds() + (int64_t)config.request_timeout * 1000;
	request.source = &deadline;
	if (!handle_begin(&delivery, &receiver, &request, &response))
		handle_finish(&delivery, &receiver);
	send_response(&response);
	receiver_tidy(&receiver);
	receiver_close(&receiver);
	return EX_OK;
}

int main(int argc, char **argv)
{
	process_prepare();
	if (!getenv("GATEWAY_INTERFACE") && !getenv("REQUEST_METHOD"))
		return run_by_hand(argc, argv);
	return answer_request();
}
