#include "check.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#include "check_exchange.h"
#include "check_place.h"
#include "check_rules.h"
#include "event.h"

enum {
	SIZE_MAX_BYTES = 1024,
	TIME_MAX_MS = 3000,
	TIME_OLD_MAX_MS = 1000,		/* of older guides */
	EXPIRY_DAYS = 14,
	TOKEN_LENGTH = 34		/* as RingCentral's own */
};

/* One check: whole replies only, the handshake's first. */
struct trial {
	const struct check_request *request;
	struct check_report *report;
	struct exchange_reply replies[3];
	const char *names[3];		/* of the requests they are to */
	size_t count;
};

/* A token that nobody knows. */
static bool make_token(char token[TOKEN_LENGTH + 1])
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyz234567";
	unsigned char random[TOKEN_LENGTH];

	if (getentropy(random, sizeof random) < 0)
		return false;
	for (size_t i = 0; i < TOKEN_LENGTH; i++)
		token[i] = letters[random[i] % 32];
	token[TOKEN_LENGTH] = '\0';
	return true;
}

/* How the connection came about. */

static void judge_expiry(struct check_report *report, time_t expires)
{
	long days = (long)((expires - time(NULL)) / 86400);
	struct tm utc;
	char date[16] = "";

	if (expires == 0) {
		check_judge(report, RULE_CERTIFICATE_EXPIRY, CHECK_SKIPPED, "not told");
		return;
	}
	if (gmtime_r(&expires, &utc))
		(void)strftime(date, sizeof date, "%Y-%m-%d", &utc);
	check_judge(report, RULE_CERTIFICATE_EXPIRY,
		days < EXPIRY_DAYS ? CHECK_WARN : CHECK_PASS, "%ld days left, until %s", days, date);
}

static bool judge_tls(struct check_report *report, const struct exchange_reply *reply)
{
	if (reply->stage == STAGE_NO_TLS) {
		check_judge(report, RULE_TLS_VERSION, CHECK_FAIL, "%.100s", reply->error);
		return false;
	}
	check_judge(report, RULE_TLS_VERSION, CHECK_PASS, "%s",
		reply->tls[0] ? reply->tls : "1.2 or newer");
	if (reply->stage == STAGE_NO_TRUST) {
		check_judge(report, RULE_CERTIFICATE, CHECK_FAIL, "%.100s", reply->error);
		return false;
	}
	check_judge(report, RULE_CERTIFICATE, CHECK_PASS, "verified, %d sent",
		reply->certificates);
	judge_expiry(report, reply->expires);
	return true;
}

static void skip_tls(struct check_report *report)
{
	check_judge(report, RULE_TLS_VERSION, CHECK_SKIPPED, "no https");
	check_judge(report, RULE_CERTIFICATE, CHECK_SKIPPED, "no https");
	check_judge(report, RULE_CERTIFICATE_EXPIRY, CHECK_SKIPPED, "no https");
}

/* Whether the connection carried a request. */
static bool judge_connection(struct check_report *report, const struct exchange_reply *reply)
{
	if (reply->stage == STAGE_START || reply->stage == STAGE_NO_CONNECTION) {
		check_judge(report, RULE_CONNECTION, CHECK_FAIL, "%.100s", reply->error);
		return false;
	}
	check_judge(report, RULE_CONNECTION, CHECK_PASS, "to %s", reply->peer);
	if (report->lines[RULE_HTTPS].outcome == CHECK_PASS)
		return judge_tls(report, reply);
	skip_tls(report);
	return true;
}

/* What was replied to the handshake. */

static bool judge_whole(struct check_report *report, const struct exchange_reply *reply)
{
	if (reply->stage == STAGE_REPLIED)
		return true;
	if (reply->stage == STAGE_LATE)
		check_judge(report, RULE_TIME, CHECK_FAIL, "no reply in %d ms", EXCHANGE_PATIENCE_MS);
	else
		check_judge(report, RULE_STATUS, CHECK_FAIL, "%.100s", reply->error);
	return false;
}

static bool judge_redirect(struct check_report *report, const struct exchange_reply *reply)
{
	bool redirect = reply->status >= 300 && reply->status < 400;

	if (redirect)
		check_judge(report, RULE_REDIRECT, CHECK_FAIL, "%ld to %s", reply->status,
			reply->location[0] ? reply->location : "nowhere");
	else
		check_judge(report, RULE_REDIRECT, CHECK_PASS, "none");
	return !redirect;
}

static void judge_echo(struct check_report *report, const struct exchange_reply *reply)
{
	bool exact = reply->echoes == 1 && reply->true_echoes == 1;

	check_judge(report, RULE_VALIDATION_TOKEN, exact ? CHECK_PASS : CHECK_FAIL, "%s",
		exact ? "echoed" : reply->echoes == 0 ? "not echoed"
		: reply->echoes > 1 ? "echoed more than once" : "echoed altered");
}

static bool judge_handshake(struct check_report *report, const struct exchange_reply *reply)
{
	if (!judge_whole(report, reply) || !judge_redirect(report, reply))
		return false;
	check_judge(report, RULE_STATUS, reply->status == 200 ? CHECK_PASS : CHECK_FAIL,
		"%ld", reply->status);
	judge_echo(report, reply);
	return true;
}

/* What holds for every reply: the worst is told. */

static void judge_content_type(const struct trial *trial)
{
	for (size_t i = 0; i < trial->count; i++) {
		const char *found = trial->replies[i].content_type;

		if (trial->replies[i].json)
			continue;
		check_judge(trial->report, RULE_CONTENT_TYPE, CHECK_FAIL, "%s (%s)",
			found[0] ? found : "none", trial->names[i]);
		return;
	}
	check_judge(trial->report, RULE_CONTENT_TYPE, CHECK_PASS, "%s",
		trial->replies[0].content_type);
}

static void judge_compression(const struct trial *trial)
{
	for (size_t i = 0; i < trial->count; i++) {
		const char *found = trial->replies[i].content_encoding;

		if (!trial->replies[i].encoded)
			continue;
		check_judge(trial->report, RULE_COMPRESSION, CHECK_FAIL, "%s (%s)", found,
			trial->names[i]);
		return;
	}
	check_judge(trial->report, RULE_COMPRESSION, CHECK_PASS, "none");
}

static void judge_size(const struct trial *trial)
{
	size_t worst = 0;

	for (size_t i = 1; i < trial->count; i++) {
		if (trial->replies[i].wire > trial->replies[worst].wire)
			worst = i;
	}
	check_judge(trial->report, RULE_SIZE,
		trial->replies[worst].wire > SIZE_MAX_BYTES ? CHECK_FAIL : CHECK_PASS,
		"%s%zu of %d bytes (%s)",
		trial->replies[worst].wire > EXCHANGE_BODY_MAX ? "over " : "",
		trial->replies[worst].wire, SIZE_MAX_BYTES, trial->names[worst]);
}

static void judge_time(const struct trial *trial)
{
	size_t worst = 0;
	double most;

	for (size_t i = 1; i < trial->count; i++) {
		if (trial->replies[i].milliseconds > trial->replies[worst].milliseconds)
			worst = i;
	}
	most = trial->replies[worst].milliseconds;
	check_judge(trial->report, RULE_TIME, most > TIME_MAX_MS ? CHECK_FAIL
		: most > TIME_OLD_MAX_MS ? CHECK_WARN : CHECK_PASS,
		"%.0f of %d ms (%s)", most, TIME_MAX_MS, trial->names[worst]);
}

static void judge_replies(const struct trial *trial)
{
	judge_content_type(trial);
	judge_compression(trial);
	judge_size(trial);
	judge_time(trial);
}

/* The requests. */

/* Makes one, and keeps its reply where it is a whole one. */
static const struct exchange_reply *try(struct trial *trial, const char *name,
	const struct exchange *request)
{
	struct exchange_reply *reply = &trial->replies[trial->count];

	exchange(request, reply);
	if (reply->stage == STAGE_REPLIED)
		trial->names[trial->count++] = name;
	return reply;
}

static bool shake_hands(struct trial *trial, const char *token)
{
	const struct exchange_reply *reply = try(trial, "handshake", &(struct exchange){
		.address = trial->request->address, .ca_file = trial->request->ca_file,
		.validation_token = token, .body = "", .masking = trial->request->masking });

	return judge_connection(trial->report, reply) && judge_handshake(trial->report, reply);
}

/* Delivers a test event with a verification token; `wanted` is the status
 * that passes. */
static void deliver(struct trial *trial, enum check_rule rule, const char *token,
	long wanted)
{
	char uuid[TOKEN_LENGTH + 1], body[128];
	const struct exchange_reply *reply;

	if (!make_token(uuid))
		return;
	(void)snprintf(body, sizeof body, "{\"uuid\":\"%s\",\"event\":\"%s\"}", uuid, EVENT_CHECK);
	reply = try(trial, wanted == 200 ? "test delivery" : "delivery with a wrong token",
		&(struct exchange){ .address = trial->request->address,
		.ca_file = trial->request->ca_file, .verification_token = token, .body = body,
		.masking = trial->request->masking });
	if (reply->stage != STAGE_REPLIED)
		check_judge(trial->report, rule, CHECK_FAIL, "%.100s", reply->error);
	else
		check_judge(trial->report, rule, reply->status == wanted ? CHECK_PASS : CHECK_FAIL,
			"%ld", reply->status);
}

static void deliver_tests(struct trial *trial)
{
	char wrong[TOKEN_LENGTH + 1];

	deliver(trial, RULE_VERIFICATION_TOKEN, trial->request->verification_token, 200);
	if (!trial->request->verification_token)
		check_judge(trial->report, RULE_WRONG_TOKEN, CHECK_SKIPPED, "no token declared");
	else if (make_token(wrong))
		deliver(trial, RULE_WRONG_TOKEN, wrong, 401);
}

static unsigned count_failures(const struct check_report *report)
{
	unsigned failures = 0;

	for (size_t i = 0; i < report->count; i++)
		failures += report->lines[i].outcome == CHECK_FAIL;
	return failures;
}

unsigned check_endpoint(const struct check_request *request, struct check_report *report)
{
	struct trial trial = { .request = request, .report = report };
	char token[TOKEN_LENGTH + 1];

	check_begin(report);
	if (!make_token(token)) {
		check_judge(report, RULE_CONNECTION, CHECK_FAIL, "no random numbers to be had");
	} else if (check_place(report, request->address)) {
		if (shake_hands(&trial, token)) {
			deliver_tests(&trial);
			judge_replies(&trial);
		}
	}
	return count_failures(report);
}
