/*
 * A request through the handler into a real spool: whatever the web server's
 * meta-variables and the body are, the reply is one of ours, and what was
 * answered with 200 is in the spool byte for byte.
 *
 * An input is a line of letters, which say what the world is like; a line
 * NAME=VALUE for each meta-variable; an empty line; and the body.
 *
 *	t  senders need a verification token    m  whose file is missing
 *	l  max_body is 1 KiB                    a  CONTENT_LENGTH is right
 *	b  the connection breaks                p  the body comes in pieces
 *	x  the spool is missing                 f  there is a fallback spool
 */
#include "ground.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "event.h"
#include "handler.h"
#include "spool_internal.h"

/* No other text can bring it into a log line: what comes from outside has no
 * backslash there but that of \xHH. */
#define TOKEN "no\\log\\shows\\it"

enum { VARIABLES_MOST = 16, PIECE = 7 };

struct variable {
	const char *name, *value;
};

/* What an input says. */
struct input {
	char *world, *text;		/* own the strings */
	struct variable variables[VARIABLES_MOST];
	size_t variable_count;
	char length[24];		/* of the body, for the letter a */
	const uint8_t *body;
	size_t size;
};

/* A body on its way in. */
struct source {
	const struct input *input;
	size_t taken;
};

/* What there must be in the spool, of whose body. */
struct expected {
	const uint8_t *body;
	size_t size;
};

static bool is(const struct input *input, char letter)
{
	return strchr(input->world, letter) != NULL;
}

static void read_input(struct input *input, const uint8_t *data, size_t size)
{
	char *line, *rest;

	*input = (struct input){ .world = ground_cut(&data, &size, "\n") };
	input->text = ground_cut(&data, &size, "\n\n");
	input->body = data;
	input->size = size;
	(void)snprintf(input->length, sizeof input->length, "%zu", size);
	for (line = strtok_r(input->text, "\n", &rest);
	     line && input->variable_count < VARIABLES_MOST;
	     line = strtok_r(NULL, "\n", &rest)) {
		char *value = strchr(line, '=');

		if (!value)
			continue;
		*value++ = '\0';
		input->variables[input->variable_count++] = (struct variable){ line, value };
	}
}

static const char *meta_variable(void *context, const char *name)
{
	const struct input *input = context;

	if (is(input, 'a') && strcmp(name, "CONTENT_LENGTH") == 0)
		return input->length;
	for (size_t i = 0; i < input->variable_count; i++)
		if (strcmp(input->variables[i].name, name) == 0)
			return input->variables[i].value;
	return NULL;
}

static ssize_t read_body(void *context, char *buffer, size_t size)
{
	struct source *source = context;
	const struct input *input = source->input;
	size_t left = input->size - source->taken;

	if (left == 0)
		return is(input, 'b') ? -1 : 0;
	if (size > left)
		size = left;
	if (is(input, 'p') && size > PIECE)
		size = PIECE;
	memcpy(buffer, input->body + source->taken, size);
	source->taken += size;
	return (ssize_t)size;
}

static struct config configure(const struct input *input)
{
	struct config config = {
		.max_body = is(input, 'l') ? 1 << 10 : 16 << 20, .seen_days = 3,
		.request_timeout = 10, .log = LOG_TO_STDERR, .log_level = LOG_DEBUG
	};

	strcpy(config.spool, ground_path(is(input, 'x') ? "missing" : "spool"));
	if (is(input, 'f'))
		strcpy(config.fallback_spool, ground_path("fallback"));
	if (is(input, 't') || is(input, 'm'))
		strcpy(config.verification_tokens,
			ground_path(is(input, 'm') ? "none" : "tokens"));
	return config;
}

static void require_safe(const char *name, size_t length)
{
	require(length > 0 && length < SPOOL_NAME_SIZE && name[0] != '-');
	for (size_t i = 0; i < length; i++)
		require(isascii(name[i]) && (isalnum((unsigned char)name[i])
			|| name[i] == '-' || name[i] == '_'));
}

static void check_event_file(const char *path, const char *name, const void *context)
{
	const struct expected *expected = context;
	size_t length = strlen(name);

	require(length > strlen(".json"));
	length -= strlen(".json");
	require(strcmp(name + length, ".json") == 0);
	require_safe(name, length);
	require(ground_holds(path, expected->body, expected->size));
}

static void check_bad_file(const char *path, const char *name, const void *context)
{
	const struct expected *expected = context;
	const char *digest = strchr(name, '-');

	require(strncmp(name, "proven-", 7) == 0 || strncmp(name, "unproven-", 9) == 0);
	require(strspn(digest + 1, "0123456789abcdef") == 64 && strlen(digest + 1) == 64);
	require(ground_holds(path, expected->body, expected->size));
}

static void check_mark(const char *path, const char *name, const void *context)
{
	(void)context;
	require_safe(name, strlen(name));
	require(ground_holds(path, "", 0));
}

/* Looks at everything in a spool and removes it: how many events and bad bodies
 * were there. */
static void harvest(const char *spool, const struct expected *expected, size_t *events,
	size_t *bad)
{
	*events += ground_harvest(ground_path("%s/new", spool), check_event_file, expected);
	*bad += ground_harvest(ground_path("%s/bad", spool), check_bad_file, expected);
	ground_harvest(ground_path("%s/renew", spool), check_mark, NULL);
	ground_harvest(ground_path("%s/seen", spool), check_mark, NULL);
	require(ground_harvest(ground_path("%s/tmp", spool), NULL, NULL) == 0);
}

static void check_response(const struct request *request, const struct response *response)
{
	char text[RESPONSE_SIZE], echo[sizeof "Validation-Token: \r\n" + TOKEN_MAX_BYTES];
	size_t length = response_format(response, text);
	const char *token = request->validation_token;
	bool echoed = token && token_is_well_formed(token);

	require(response->status == 200 || response->status == 400
		|| response->status == 401 || response->status == 405
		|| response->status == 413 || response->status == 503);
	require(length < RESPONSE_SIZE && strlen(text) == length);
	require(length <= RESPONSE_OWN_MAX + (echoed ? strlen(token) : 0));
	require(ground_is_plain(text, length, "\r"));
	require(echoed == (strstr(text, "\r\nValidation-Token: ") != NULL));
	(void)snprintf(echo, sizeof echo, "Validation-Token: %s\r\n", echoed ? token : "");
	require(!echoed || strstr(text, echo));
}

static void check_log(void)
{
	size_t size;
	const char *log = ground_release(&size);

	require(ground_is_plain(log, size, ""));
	require(!strstr(log, TOKEN));
	for (const char *line = log; *line; line = strchr(line, '\n') + 1)
		require(strncmp(line, "time=", 5) == 0 && strstr(line, "result="));
}

/* One request; how many bytes of its body were read. */
static size_t deliver(const struct input *input, int *status)
{
	struct config config = configure(input);
	struct source source = { .input = input };
	struct request request = { .read = read_body, .source = &source };
	struct response response;
	struct receiver receiver;
	struct delivery delivery;

	ground_capture(false);
	receiver_open(&receiver, "fuzz", &config, NULL);
	request_from_meta(&request, meta_variable, (void *)input);
	if (!handle_begin(&delivery, &receiver, &request, &response))
		handle_finish(&delivery, &receiver);
	receiver_tidy(&receiver);
	receiver_close(&receiver);
	check_log();
	check_response(&request, &response);
	if (response.status == 200 && strcmp(request.method, "POST") == 0
	    && request.content_length && request.content_length[0])
		require(strtoull(request.content_length, NULL, 10) == source.taken);
	*status = response.status;
	return source.taken;
}

static bool is_post(const struct input *input)
{
	const char *method = meta_variable((void *)input, "REQUEST_METHOD");

	return method && strcmp(method, "POST") == 0;
}

/* Whether a body is an event, by what the module `event` says; and whether it
 * has a name of its own in each delivery. */
static bool is_event(const struct expected *expected, struct event *event, bool *nameless)
{
	struct event again;
	struct reason why;

	if (event_read(event, (const char *)expected->body, expected->size, &why) != 0)
		return false;
	require(event_read(&again, (const char *)expected->body, expected->size, &why) == 0);
	*nameless = event->digest != again.digest;
	return true;
}

/* The same request twice: the second adds nothing, but for what cannot be
 * known again. */
static void check_delivery(const struct input *input)
{
	int first, second;
	struct expected expected = { input->body, deliver(input, &first) };
	size_t taken = deliver(input, &second), events = 0, bad = 0;
	struct event event;
	bool nameless = false;

	require(first == second && taken == expected.size);
	harvest("spool", &expected, &events, &bad);
	harvest("fallback", &expected, &events, &bad);
	if (!is_post(input) || expected.size == 0 || (first != 200 && first != 400)) {
		require(events == 0 && bad == 0);
	} else if (first == 400) {
		require(events == 0 && bad <= 1);
	} else if (is_event(&expected, &event, &nameless)) {
		require(bad == 0);
		require(events == (event.check ? 0 : nameless ? 2 : 1));
	} else {
		require(events == 0 && bad == 1 && is(input, 't'));
	}
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	static const char tokens[] = TOKEN "\nanother-token\n";

	(void)argc;
	(void)argv;
	ground_make();
	ground_directory(ground_path("spool"), 02770);
	ground_directory(ground_path("fallback"), 02770);
	ground_write(ground_path("tokens"), tokens, strlen(tokens), 0640);
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input input;

	read_input(&input, data, size);
	check_delivery(&input);
	free(input.world);
	free(input.text);
	return 0;
}
