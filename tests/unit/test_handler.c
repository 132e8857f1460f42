/* Every row of the webhook's rules, without a web server. */
#include "fixture.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "handler.h"

#define EVENT "{\"uuid\":\"1\",\"event\":\"/e\",\"subscriptionId\":\"s\",\"body\":{\"x\":\"secret text\"}}"
#define REMINDER "{\"uuid\":\"7\",\"event\":\"/restapi/v1.0/subscription/~?threshold=9&interval=3\"," \
	"\"subscriptionId\":\"sub-1\",\"body\":{\"expiresIn\":8}}"

/* A request under test, its body handed out in small pieces. */
struct sender {
	const char *body;
	size_t size;
	size_t sent;
	size_t piece;		/* 0: as much as is asked for */
	bool breaks;		/* the connection breaks where the body ends */
};

struct scene {
	struct fixture fixture;
	struct config config;
	const char *misconfigured;
	bool overload;		/* no turn at the spools is to be had */
	struct log_limit spent;	/* of refusals, before the delivery */
	struct sender sender;
	struct request request;
	struct response response;
	char log[8192];		/* what the last delivery wrote to standard error */
};

static ssize_t send_piece(void *source, char *buffer, size_t size)
{
	struct sender *sender = source;
	size_t left = sender->size - sender->sent;

	if (left == 0)
		return sender->breaks ? -1 : 0;
	if (sender->piece && size > sender->piece)
		size = sender->piece;
	if (size > left)
		size = left;
	memcpy(buffer, sender->body + sender->sent, size);
	sender->sent += size;
	return (ssize_t)size;
}

static void post_bytes(struct scene *s, const char *body, size_t size)
{
	static char length[32];

	(void)snprintf(length, sizeof length, "%zu", size);
	s->sender = (struct sender){ .body = body, .size = size };
	s->request = (struct request){ .method = "POST", .content_length = length,
		.read = send_piece, .source = &s->sender };
}

static void post(struct scene *s, const char *body)
{
	post_bytes(s, body, strlen(body));
}

static void slurp_log(struct scene *s, int fd)
{
	ssize_t got = pread(fd, s->log, sizeof s->log - 1, 0);

	s->log[got > 0 ? got : 0] = '\0';
}

/* Handles s->request, collects the log, checks the reply's form. */
static int deliver(struct scene *s)
{
	struct receiver receiver;
	struct delivery delivery;
	char text[RESPONSE_SIZE];
	int saved = dup(STDERR_FILENO);
	int log = open(fixture_path(&s->fixture, "log"), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	size_t length;

	s->sender.sent = 0;
	assert_true(saved >= 0 && log >= 0 && dup2(log, STDERR_FILENO) >= 0);
	receiver_open(&receiver, "test", &s->config, s->misconfigured);
	receiver.refusals = s->spent;
	if (!handle_begin(&delivery, &receiver, &s->request, &s->response))
		(s->overload ? handle_overload : handle_finish)(&delivery, &receiver);
	receiver_tidy(&receiver);
	receiver_close(&receiver);
	assert_true(dup2(saved, STDERR_FILENO) >= 0);
	slurp_log(s, log);
	close(log);
	close(saved);
	length = response_format(&s->response, text);
	assert_in_range(length - strlen(s->response.validation_token), 1, RESPONSE_OWN_MAX);
	assert_non_null(strstr(text, "\r\nContent-Type: application/json\r\n"));
	assert_non_null(strstr(text, "\r\nContent-Length: "));
	assert_null(strstr(s->log, "secret"));
	return s->response.status;
}

static size_t count(struct scene *s, const char *directory)
{
	const char *path = spool_path(&s->fixture, directory);

	return access(path, F_OK) == 0 ? count_entries(path) : 0;
}

/* The first file of a directory of the spool. */
static const char *first_file(struct scene *s, const char *directory)
{
	static char path[PATH_MAX + NAME_MAX + 2];

	(void)snprintf(path, sizeof path, "%s/%s", spool_path(&s->fixture, directory),
		first_entry(spool_path(&s->fixture, directory)));
	return path;
}

static void use_tokens(struct scene *s, const char *text)
{
	strcpy(s->config.verification_tokens,
		fixture_file(&s->fixture, "tokens", text, 0640));
}

static void the_handshake_is_echoed(void **state)
{
	struct scene *s = *state;
	char token[TOKEN_MAX_BYTES + 1];

	post(s, "");
	s->request.validation_token = "wtdwi2y88489yr34iwegsekshwekfhsdfh";
	assert_int_equal(deliver(s), 200);
	assert_string_equal(s->response.validation_token, s->request.validation_token);
	assert_string_equal(s->response.body, "");
	assert_non_null(strstr(s->log, "result=handshake status=200"));
	assert_null(strstr(s->log, "wtdwi"));
	memset(token, '~', TOKEN_MAX_BYTES);
	token[TOKEN_MAX_BYTES] = '\0';
	s->request.validation_token = token;
	assert_int_equal(deliver(s), 200);
	assert_string_equal(s->response.validation_token, token);
	s->request.content_length = NULL;	/* chunked, and empty */
	assert_int_equal(deliver(s), 200);
}

static void the_handshake_is_answered_whatever_is_broken(void **state)
{
	struct scene *s = *state;

	post(s, "");
	s->request.validation_token = "abc";
	assert_int_equal(rmdir(s->fixture.spool), 0);
	strcpy(s->config.verification_tokens, "/nonexistent");
	assert_int_equal(deliver(s), 200);
	s->misconfigured = "c.conf:1: broken";
	assert_int_equal(deliver(s), 200);
	assert_string_equal(s->response.validation_token, "abc");
	s->request.content_length = "x";
	assert_int_equal(deliver(s), 400);
	assert_string_equal(s->response.validation_token, "abc");
}

static void a_malformed_validation_token_is_never_echoed(void **state)
{
	struct scene *s = *state;
	char token[TOKEN_MAX_BYTES + 2];
	const char *malformed[] = { "", "a b", "a\r\nX: y", "a\tb", "caf\xc3\xa9", "\x7f", token };

	memset(token, 'x', TOKEN_MAX_BYTES + 1);
	token[TOKEN_MAX_BYTES + 1] = '\0';
	for (size_t i = 0; i < sizeof malformed / sizeof malformed[0]; i++) {
		post(s, "");
		s->request.validation_token = malformed[i];
		assert_int_equal(deliver(s), 400);
		assert_string_equal(s->response.validation_token, "");
		post(s, EVENT);
		s->request.validation_token = malformed[i];
		assert_int_equal(deliver(s), 200);
		assert_string_equal(s->response.validation_token, "");
	}
}

static void a_token_with_a_body_is_echoed_and_the_body_spooled(void **state)
{
	struct scene *s = *state;

	post(s, EVENT);
	s->request.validation_token = "hello-world";
	assert_int_equal(deliver(s), 200);
	assert_string_equal(s->response.validation_token, "hello-world");
	assert_int_equal(count(s, "new"), 1);
}

static void every_reply_echoes(void **state)
{
	struct scene *s = *state;

	s->config.max_body = 8;
	post(s, EVENT);
	s->request.validation_token = "abc";
	assert_int_equal(deliver(s), 413);
	assert_string_equal(s->response.validation_token, "abc");
	s->request.method = "PUT";
	assert_int_equal(deliver(s), 405);
	assert_string_equal(s->response.validation_token, "abc");
}

static void an_event_is_stored_byte_for_byte(void **state)
{
	const char *bodies[] = { EVENT, " {\"uuid\" : \"2\"}\r\n",
		"{\"uuid\":\"3\",\"b\":\"\xff\xfe\"}", "{\"uuid\":\"4\",\"b\":\"\\uD83D\"}",
		"\xef\xbb\xbf{\"uuid\":\"5\"}" };
	struct scene *s = *state;

	for (size_t i = 0; i < sizeof bodies / sizeof bodies[0]; i++) {
		post(s, bodies[i]);
		s->sender.piece = 3;
		assert_int_equal(deliver(s), 200);
		assert_string_equal(s->response.body, "");
		assert_int_equal(count(s, "new"), 1);
		assert_true(file_holds(first_file(s, "new"), bodies[i], strlen(bodies[i])));
		assert_non_null(strstr(s->log, "result=stored status=200"));
		assert_int_equal(unlink(first_file(s, "new")), 0);
	}
}

static void a_body_without_length_is_read_to_its_end(void **state)
{
	struct scene *s = *state;

	post(s, EVENT);
	s->request.content_length = NULL;
	s->sender.piece = 7;
	assert_int_equal(deliver(s), 200);
	assert_int_equal(count(s, "new"), 1);
	s->request.content_length = "";
	assert_int_equal(deliver(s), 200);
	assert_non_null(strstr(s->log, "result=duplicate"));
}

static void a_duplicate_is_answered_and_not_written(void **state)
{
	struct scene *s = *state;

	post(s, EVENT);
	assert_int_equal(deliver(s), 200);
	post(s, EVENT);
	assert_int_equal(deliver(s), 200);
	assert_non_null(strstr(s->log, "result=duplicate status=200"));
	assert_int_equal(count(s, "new"), 1);
}

static void an_empty_body_is_refused(void **state)
{
	struct scene *s = *state;

	post(s, "");
	assert_int_equal(deliver(s), 400);
	assert_non_null(strstr(s->log, "result=refused status=400"));
	assert_int_equal(count(s, "bad"), 0);
}

static void a_short_body_is_refused(void **state)
{
	const bool breaks[] = { false, true };
	struct scene *s = *state;

	for (size_t i = 0; i < 2; i++) {
		post(s, EVENT);
		s->request.content_length = "1000";
		s->sender.breaks = breaks[i];
		assert_int_equal(deliver(s), 400);
		post(s, "");
		s->request.content_length = "1000";
		s->request.validation_token = "abc";	/* but no handshake */
		s->sender.breaks = breaks[i];
		assert_int_equal(deliver(s), 400);
	}
	post(s, EVENT);
	s->request.content_length = NULL;
	s->sender.breaks = true;
	assert_int_equal(deliver(s), 400);
	assert_int_equal(count(s, "new"), 0);
	assert_int_equal(count(s, "bad"), 0);
}

static void nothing_beyond_the_length_is_read(void **state)
{
	struct scene *s = *state;

	post(s, EVENT "{}");
	s->request.content_length = "2";
	assert_int_equal(deliver(s), 400);	/* no event: not JSON */
	assert_int_equal(s->sender.sent, 2);
	s->request.content_length = "12x";
	assert_int_equal(deliver(s), 400);
	s->request.content_length = "-1";
	assert_int_equal(deliver(s), 400);
	assert_int_equal(count(s, "new"), 0);
}

static void a_large_body_is_refused_after_it_was_read(void **state)
{
	struct scene *s = *state;

	s->config.max_body = 64;
	post(s, EVENT);
	assert_int_equal(deliver(s), 413);
	assert_int_equal(s->sender.sent, strlen(EVENT));
	post(s, EVENT);
	s->request.content_length = NULL;
	s->sender.piece = 10;
	assert_int_equal(deliver(s), 413);
	assert_int_equal(s->sender.sent, strlen(EVENT));
	post(s, EVENT);
	s->request.content_length = "99999999999999999999999";
	assert_int_equal(deliver(s), 413);
	assert_int_equal(count(s, "new"), 0);
	s->config.max_body = strlen(EVENT);
	post(s, EVENT);
	assert_int_equal(deliver(s), 200);
}

static void only_a_proven_sender_may_deliver(void **state)
{
	struct scene *s = *state;

	use_tokens(s, "\n secret-old \r\nsecret-new");
	post(s, EVENT);
	s->sender.piece = 10;
	assert_int_equal(deliver(s), 401);
	assert_int_equal(s->sender.sent, strlen(EVENT));	/* read all the same */
	assert_non_null(strstr(s->log, "reason=\"no Verification-Token\""));
	post(s, EVENT);
	s->request.verification_token = "secret-ne";
	assert_int_equal(deliver(s), 401);
	s->request.verification_token = "secret-newsecret-new";
	assert_int_equal(deliver(s), 401);
	s->request.verification_token = "";
	assert_int_equal(deliver(s), 401);
	assert_int_equal(count(s, "new"), 0);
	post(s, EVENT);
	s->request.verification_token = "secret-new";
	assert_int_equal(deliver(s), 200);
	post(s, EVENT);
	s->request.verification_token = "secret-old";
	assert_int_equal(deliver(s), 200);
	assert_int_equal(count(s, "new"), 1);
}

static void an_unusable_token_file_lets_nobody_in(void **state)
{
	struct scene *s = *state;
	const char *token = "secret-1";

	post(s, EVENT);
	s->request.verification_token = token;
	strcpy(s->config.verification_tokens, fixture_path(&s->fixture, "none"));
	assert_int_equal(deliver(s), 503);
	assert_int_equal(s->response.retry_after, 30);
	assert_non_null(strstr(s->log, "No such file"));
	use_tokens(s, "\n\n");
	assert_int_equal(deliver(s), 503);
	use_tokens(s, "two words\n");
	assert_int_equal(deliver(s), 503);
	use_tokens(s, "secret-1\n");
	assert_int_equal(chmod(s->config.verification_tokens, 0644), 0);
	assert_int_equal(deliver(s), 503);
	assert_non_null(strstr(s->log, "read or changed by everybody"));
	strcpy(s->config.verification_tokens, s->fixture.root);
	assert_int_equal(deliver(s), 503);
	assert_int_equal(count(s, "new"), 0);
	/* One bad line does not shut out the others. */
	use_tokens(s, "two words\nsecret-1\n");
	post(s, EVENT);
	s->request.verification_token = token;
	assert_int_equal(deliver(s), 200);
}

static void what_is_no_event_is_kept_in_bad(void **state)
{
	struct scene *s = *state;

	post(s, "[1,2,3]");
	assert_int_equal(deliver(s), 400);
	assert_int_equal(count(s, "bad"), 1);
	assert_non_null(strstr(first_entry(spool_path(&s->fixture, "bad")), "unproven-"));
	use_tokens(s, "secret-1\n");
	post_bytes(s, "{\"uuid\":\"a\0b\"}", 14);
	s->request.verification_token = "secret-1";
	assert_int_equal(deliver(s), 200);
	assert_non_null(strstr(s->log, "result=bad status=200"));
	assert_int_equal(count(s, "bad"), 2);
	assert_true(file_holds(first_file(s, "bad"), "{\"uuid\":\"a\0b\"}", 14));
	assert_int_equal(count(s, "new"), 0);
}

static void a_stranger_cannot_fill_bad_nor_the_log(void **state)
{
	const size_t size = SPOOL_UNPROVEN_MAX + 1;
	struct scene *s = *state;
	char *body = calloc(1, size);

	assert_non_null(body);
	s->config.max_body = size;
	strcpy(s->config.fallback_spool, s->fixture.root);	/* would be told of */
	post_bytes(s, body, size);
	assert_int_equal(deliver(s), 400);
	assert_int_equal(count(s, "bad"), 0);
	assert_null(strstr(s->log, "fallback"));
	free(body);
}

static void refusals_do_not_hide_a_lost_event(void **state)
{
	struct scene *s = *state;
	struct receiver receiver;

	receiver_open(&receiver, "test", &s->config, NULL);
	for (unsigned lines = 0, unused; log_allowed(&receiver.refusals, &unused); lines++)
		assert_true(lines < 100);
	receiver_close(&receiver);
	s->spent = receiver.refusals;
	strcpy(s->config.spool, "/nonexistent");
	post(s, EVENT);
	assert_int_equal(deliver(s), 503);
	assert_non_null(strstr(s->log, "result=refused status=503"));
}

static void overload_means_503(void **state)
{
	struct scene *s = *state;

	s->overload = true;
	post(s, EVENT);
	assert_int_equal(deliver(s), 503);
	assert_int_equal(s->response.retry_after, 30);
	assert_non_null(strstr(s->log, "does not keep up"));
	assert_int_equal(count(s, "new"), 0);
	s->request.method = "GET";
	assert_int_equal(deliver(s), 503);
}

static void overload_does_not_concern_what_needs_no_disk(void **state)
{
	struct scene *s = *state;

	s->overload = true;
	post(s, "");
	s->request.validation_token = "abc";
	assert_int_equal(deliver(s), 200);
	post(s, "");
	assert_int_equal(deliver(s), 400);
	s->request.method = "PUT";
	assert_int_equal(deliver(s), 405);
}

static void no_spool_means_503(void **state)
{
	struct scene *s = *state;

	assert_int_equal(rmdir(s->fixture.spool), 0);
	post(s, EVENT);
	assert_int_equal(deliver(s), 503);
	assert_int_equal(s->response.retry_after, 30);
	assert_non_null(strstr(s->log, "install -d -o root -g ringspool -m 2770"));
	use_tokens(s, "secret-1\n");
	post(s, "no event");
	s->request.verification_token = "secret-1";
	assert_int_equal(deliver(s), 503);
	assert_int_equal(mkdir(s->fixture.spool, 0770), 0);
	post(s, EVENT);
	s->request.verification_token = "secret-1";
	assert_int_equal(deliver(s), 200);
}

static void the_fallback_spool_takes_over(void **state)
{
	struct scene *s = *state;
	const char *fallback = fixture_path(&s->fixture, "fallback");

	strcpy(s->config.fallback_spool, fallback);
	assert_int_equal(mkdir(s->config.fallback_spool, 02770), 0);
	assert_int_equal(rmdir(s->fixture.spool), 0);
	post(s, EVENT);
	assert_int_equal(deliver(s), 200);
	assert_non_null(strstr(s->log, "result=fallback"));
	assert_int_equal(count_entries(fixture_path(&s->fixture, "fallback/new")), 1);
	/* A repeat after the outage is known. */
	assert_int_equal(mkdir(s->fixture.spool, 0770), 0);
	post(s, EVENT);
	assert_int_equal(deliver(s), 200);
	assert_non_null(strstr(s->log, "result=duplicate"));
	assert_int_equal(count(s, "new"), 0);
	/* Healthy again, the spool itself takes what comes. */
	post(s, "{\"uuid\":\"other\"}");
	assert_int_equal(deliver(s), 200);
	assert_int_equal(count(s, "new"), 1);
	/* Both broken. */
	assert_int_equal(rename(s->fixture.spool, fixture_path(&s->fixture, "x")), 0);
	assert_int_equal(rename(s->config.fallback_spool, fixture_path(&s->fixture, "y")), 0);
	post(s, "{\"uuid\":\"another\"}");
	assert_int_equal(deliver(s), 503);
}

static void a_broken_configuration_refuses_all_but_the_handshake(void **state)
{
	struct scene *s = *state;

	s->misconfigured = "/etc/x.conf:3: unknown key spol in [receiver]";
	post(s, EVENT);
	assert_int_equal(deliver(s), 503);
	assert_non_null(strstr(s->log, "/etc/x.conf:3: unknown key spol"));
	s->request.method = "GET";
	assert_int_equal(deliver(s), 503);
	assert_int_equal(count(s, "new"), 0);
}

static void get_and_head_answer_a_health_check(void **state)
{
	const char *methods[] = { "GET", "HEAD" };
	struct scene *s = *state;

	for (size_t i = 0; i < 2; i++) {
		post(s, "");
		s->request.method = methods[i];
		assert_int_equal(deliver(s), 200);
		assert_string_equal(s->response.body, "{\"status\":\"ok\"}");
		assert_int_equal(s->response.head, i == 1);
	}
	assert_int_equal(count(s, "new"), 0);
	s->config.min_free = UINT64_C(1) << 40;
	assert_int_equal(deliver(s), 503);
	assert_non_null(strstr(s->log, "less than min_free"));
	s->config.min_free = 0;
	strcpy(s->config.verification_tokens, "/nonexistent");
	assert_int_equal(deliver(s), 503);
	s->config.verification_tokens[0] = '\0';
	strcpy(s->config.spool, "/nonexistent");
	assert_int_equal(deliver(s), 503);
}

static void little_free_space_warns_but_does_not_refuse(void **state)
{
	struct scene *s = *state;
	const struct timespec old[2] = { { .tv_sec = 1 }, { .tv_sec = 1 } };

	s->config.min_free = UINT64_C(1) << 40;
	post(s, EVENT);
	assert_int_equal(deliver(s), 200);
	assert_int_equal(utimensat(AT_FDCWD, spool_path(&s->fixture, "lock"), old, 0), 0);
	post(s, EVENT);
	assert_int_equal(deliver(s), 200);
	assert_non_null(strstr(s->log, "result=spool-trouble"));
	assert_non_null(strstr(s->log, "less than min_free"));
}

static void other_methods_are_refused(void **state)
{
	const char *methods[] = { "PUT", "DELETE", "OPTIONS", "TRACE", "get", "" };
	struct scene *s = *state;
	char text[RESPONSE_SIZE];

	for (size_t i = 0; i < sizeof methods / sizeof methods[0]; i++) {
		post(s, EVENT);
		s->request.method = methods[i];
		assert_int_equal(deliver(s), 405);
		assert_int_equal(s->sender.sent, strlen(EVENT));
		(void)response_format(&s->response, text);
		assert_non_null(strstr(text, "\r\nAllow: GET, HEAD, POST\r\n"));
	}
	assert_int_equal(count(s, "new"), 0);
}

static void a_reminder_is_spooled_and_leaves_a_mark(void **state)
{
	struct scene *s = *state;

	post(s, REMINDER);
	assert_int_equal(deliver(s), 200);
	assert_int_equal(count(s, "new"), 1);
	assert_true(file_holds(spool_path(&s->fixture, "renew/sub-1"), "", 0));
	assert_non_null(strstr(s->log, "result=reminder"));
}

static void a_test_delivery_is_answered_and_not_spooled(void **state)
{
	struct scene *s = *state;

	s->config.min_free = UINT64_C(1) << 40;	/* events are taken all the same */
	post(s, "{\"uuid\":\"t\",\"event\":\"/ringspool/check\"}");
	assert_int_equal(deliver(s), 200);
	assert_int_equal(count(s, "new"), 0);
	/* With one of two spools an event is taken, though not all is well. */
	strcpy(s->config.fallback_spool, s->config.spool);
	strcpy(s->config.spool, "/nonexistent");
	post(s, "{\"uuid\":\"t\",\"event\":\"/ringspool/check\"}");
	assert_int_equal(deliver(s), 200);
	s->config.min_free = 0;
	s->request.method = "GET";
	assert_int_equal(deliver(s), 503);
	s->config.fallback_spool[0] = '\0';
	post(s, "{\"uuid\":\"t\",\"event\":\"/ringspool/check\"}");
	assert_int_equal(deliver(s), 503);
}

static void the_log_escapes_and_cuts_what_comes_from_outside(void **state)
{
	struct scene *s = *state;
	char address[200] = "a\nb\"c\\d\x1b[31m \xe2\x82\xac ";

	memset(address + strlen(address), 'x', 150);
	post(s, EVENT);
	s->request.remote_addr = address;
	assert_int_equal(deliver(s), 200);
	assert_non_null(strstr(s->log,
		"remote=\"a\\x0Ab\\x22c\\x5Cd\\x1B[31m \\xE2\\x82\\xAC xxx"));
	assert_int_equal(strchr(s->log, '\n') - s->log, strlen(s->log) - 1);
	assert_int_equal(strspn(strstr(s->log, "xxx"), "x"),
		80 - strlen("a\nb\"c\\d\x1b[31m \xe2\x82\xac "));
}

static void refusals_that_strangers_cause_are_limited_in_the_log(void **state)
{
	struct log_limit limit = { 0 };
	unsigned suppressed, lines = 0;

	(void)state;
	for (int i = 0; i < 25; i++)
		lines += log_allowed(&limit, &suppressed);
	assert_in_range(lines, 10, 20);		/* a minute may end in between */
	limit.minute--;
	limit.suppressed = 15;
	assert_true(log_allowed(&limit, &suppressed));
	assert_int_equal(suppressed, 15);
}

static int make(void **state)
{
	struct scene *s = calloc(1, sizeof *s);

	assert_non_null(s);
	fixture_make(&s->fixture);
	strcpy(s->config.spool, s->fixture.spool);
	s->config.max_body = 1 << 20;
	s->config.seen_days = 3;
	s->config.log_level = LOG_DEBUG;
	*state = s;
	return 0;
}

static int clear(void **state)
{
	struct scene *s = *state;

	fixture_remove(&s->fixture);
	free(s);
	return 0;
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, make, clear)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(the_handshake_is_echoed),
		TEST(the_handshake_is_answered_whatever_is_broken),
		TEST(a_malformed_validation_token_is_never_echoed),
		TEST(a_token_with_a_body_is_echoed_and_the_body_spooled),
		TEST(every_reply_echoes),
		TEST(an_event_is_stored_byte_for_byte),
		TEST(a_body_without_length_is_read_to_its_end),
		TEST(a_duplicate_is_answered_and_not_written),
		TEST(an_empty_body_is_refused),
		TEST(a_short_body_is_refused),
		TEST(nothing_beyond_the_length_is_read),
		TEST(a_large_body_is_refused_after_it_was_read),
		TEST(only_a_proven_sender_may_deliver),
		TEST(an_unusable_token_file_lets_nobody_in),
		TEST(what_is_no_event_is_kept_in_bad),
		TEST(a_stranger_cannot_fill_bad_nor_the_log),
		TEST(refusals_do_not_hide_a_lost_event),
		TEST(overload_means_503),
		TEST(overload_does_not_concern_what_needs_no_disk),
		TEST(no_spool_means_503),
		TEST(the_fallback_spool_takes_over),
		TEST(a_broken_configuration_refuses_all_but_the_handshake),
		TEST(get_and_head_answer_a_health_check),
		TEST(little_free_space_warns_but_does_not_refuse),
		TEST(other_methods_are_refused),
		TEST(a_reminder_is_spooled_and_leaves_a_mark),
		TEST(a_test_delivery_is_answered_and_not_spooled),
		TEST(the_log_escapes_and_cuts_what_comes_from_outside),
		TEST(refusals_that_strangers_cause_are_limited_in_the_log),
	};

	return cmocka_run_group_tests_name("handler", tests, NULL, NULL);
}
