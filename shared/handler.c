#include "handler.h"

#include <string.h>

#include "clock.h"

enum { RETRY_AFTER_SECONDS = 30 };

void receiver_open(struct receiver *receiver, const char *program,
	const struct config *config, const char *misconfigured)
{
	*receiver = (struct receiver){ .config = *config, .misconfigured = misconfigured };
	log_open(&receiver->log, program, config->log, config->log_level);
}

static unsigned spool_count(const struct receiver *receiver)
{
	return receiver->config.fallback_spool[0] ? 2 : 1;
}

static const char *spool_path(const struct receiver *receiver, unsigned which)
{
	return which == 0 ? receiver->config.spool : receiver->config.fallback_spool;
}

static void drop_spool(struct receiver *receiver, unsigned which)
{
	spool_close(receiver->spools[which]);
	receiver->spools[which] = NULL;
}

void receiver_close(struct receiver *receiver)
{
	tokens_free(&receiver->tokens);
	for (unsigned i = 0; i < SPOOLS_MAX; i++)
		drop_spool(receiver, i);
}

/* The open spool; opened anew where the path leads elsewhere by now. */
static struct spool *use_spool(struct receiver *receiver, unsigned which,
	struct reason *why)
{
	if (receiver->spools[which] && !spool_is_current(receiver->spools[which]))
		drop_spool(receiver, which);
	if (!receiver->spools[which])
		receiver->spools[which] = spool_open(spool_path(receiver, which),
			receiver->config.seen_days, why);
	return receiver->spools[which];
}

/* Begins the log line of a request; log_end() is the caller's. */
static void begin_line(struct log_line *line, const struct delivery *d, int level,
	const char *what)
{
	log_begin(line, &d->receiver->log, level, what);
	log_number(line, "status", (uint64_t)d->response->status);
	if (d->request->remote_addr)
		log_outside(line, "remote", d->request->remote_addr);
	log_number(line, "ms", (uint64_t)(clock_milliseconds() - d->began));
}

/* Trouble that the administrator must know of. */
static void report(const struct receiver *receiver, int level, const char *what,
	const char *why)
{
	struct log_line line;

	log_begin(&line, &receiver->log, level, what);
	log_text(&line, "reason", why);
	log_end(&line);
}

static void refuse(struct delivery *d, int status, const char *body, const char *why)
{
	struct log_line line;
	unsigned suppressed = 0;

	d->response->status = status;
	d->response->body = body;
	if (status == 503)
		d->response->retry_after = RETRY_AFTER_SECONDS;
	/* Strangers may not flood the log, nor keep a lost event out of it. */
	if (status < 500 && !d->proven && !log_allowed(&d->receiver->refusals, &suppressed))
		return;
	begin_line(&line, d, status == 503 ? LOG_ERR : LOG_WARNING, "refused");
	log_text(&line, "reason", why);
	if (suppressed)
		log_number(&line, "suppressed", suppressed);
	log_end(&line);
}

/* Takes something in by the first spool that can: `put` is tried on each in
 * turn, and an error of one is logged.  SPOOL_FAILED: all failed, *why says
 * the last reason. */
static enum spool_result put_somewhere(struct delivery *d,
	enum spool_result (*put)(struct spool *, const struct delivery *, struct reason *),
	const char **path, struct reason *why)
{
	struct receiver *receiver = d->receiver;

	for (unsigned i = 0; i < spool_count(receiver); i++) {
		struct spool *spool = use_spool(receiver, i, why);
		enum spool_result result = spool ? put(spool, d, why) : SPOOL_FAILED;

		*path = spool_path(receiver, i);
		if (result != SPOOL_FAILED)
			return result;
		drop_spool(receiver, i);
		if (i + 1 < spool_count(receiver))
			report(receiver, LOG_ERR, "fallback", why->text);
	}
	return SPOOL_FAILED;
}

static enum spool_result put_event(struct spool *spool, const struct delivery *d,
	struct reason *why)
{
	return spool_store(spool, d->event.name, d->event.digest, d->body.data,
		d->body.size, why);
}

static enum spool_result put_bad(struct spool *spool, const struct delivery *d,
	struct reason *why)
{
	return spool_keep_bad(spool, d->proven, d->body.data, d->body.size, why);
}

/* Of a stranger, who gets 400 in any case. */
static void keep_unproven(struct delivery *d, const char *complaint)
{
	struct reason why;
	const char *path;

	if (d->body.size <= SPOOL_UNPROVEN_MAX
	    && put_somewhere(d, put_bad, &path, &why) == SPOOL_FAILED)
		report(d->receiver, LOG_WARNING, "spool-trouble", why.text);
	refuse(d, 400, "{\"error\":\"not an event\"}", complaint);
}

/* What is no event is kept all the same: RingCentral does not send it again,
 * and a refusal would count against the subscription. */
static void keep_bad(struct delivery *d, const char *complaint)
{
	struct reason why;
	const char *path;
	struct log_line line;

	if (put_somewhere(d, put_bad, &path, &why) == SPOOL_FAILED) {
		refuse(d, 503, "{\"error\":\"cannot be stored\"}", why.text);
		return;
	}
	begin_line(&line, d, LOG_WARNING, "bad");
	log_number(&line, "bytes", d->body.size);
	log_text(&line, "reason", complaint);
	log_text(&line, "spool", path);
	log_end(&line);
}

/* Whether one of the spools could take an event now, with `min_free` bytes to
 * spare; if not, *why says why. */
static bool spool_is_healthy(struct receiver *receiver, unsigned which,
	uint64_t min_free, struct reason *why)
{
	struct spool *spool = use_spool(receiver, which, why);

	if (!spool)
		return false;
	if (spool_check(spool, min_free, why) == 0)
		return true;
	drop_spool(receiver, which);
	return false;
}

/* Whether the configuration lets events in. */
static bool is_configured(struct receiver *receiver, struct reason *why)
{
	if (receiver->misconfigured) {
		reason_set(why, "%s", receiver->misconfigured);
		return false;
	}
	return !receiver->config.verification_tokens[0]
		|| tokens_update(&receiver->tokens, receiver->config.verification_tokens, why) == 0;
}

static void tell_health(struct delivery *d, bool healthy, const struct reason *why)
{
	struct log_line line;

	if (!healthy) {
		refuse(d, 503, "{\"status\":\"failing\"}", why->text);
		return;
	}
	d->response->body = "{\"status\":\"ok\"}";
	begin_line(&line, d, LOG_DEBUG, "health");
	log_end(&line);
}

/* GET, for whoever watches: everything must be well. */
static void answer_health(struct delivery *d)
{
	struct receiver *receiver = d->receiver;
	struct reason why;
	bool healthy = is_configured(receiver, &why);

	for (unsigned i = 0; healthy && i < spool_count(receiver); i++)
		healthy = spool_is_healthy(receiver, i, receiver->config.min_free, &why);
	tell_health(d, healthy, &why);
}

/* A test delivery: passes where an event would be taken in. */
static void answer_check(struct delivery *d)
{
	struct reason why;
	bool healthy = false;

	for (unsigned i = 0; !healthy && i < spool_count(d->receiver); i++)
		healthy = spool_is_healthy(d->receiver, i, 0, &why);
	tell_health(d, healthy, &why);
}

/* Before the event itself: renewing matters even where the disk is full. */
static void mark_renewal(struct delivery *d)
{
	struct reason why;
	struct spool *spool = use_spool(d->receiver, 0, &why);

	if (spool && spool_mark_renewal(spool, d->event.subscription, &why) == 0)
		return;
	drop_spool(d->receiver, 0);
	report(d->receiver, LOG_WARNING, "reminder-not-marked", why.text);
}

/* Whether an outage of the spool let the fallback spool take this event.  One
 * that cannot tell keeps no event out: rather twice than not at all. */
static bool fallback_has(struct delivery *d)
{
	struct reason why;
	struct spool *spool;
	int seen;

	if (spool_count(d->receiver) < 2)
		return false;
	spool = use_spool(d->receiver, 1, &why);
	seen = spool ? spool_has_seen(spool, d->event.name, d->event.digest, &why) : -1;
	if (seen < 0) {
		drop_spool(d->receiver, 1);
		report(d->receiver, LOG_WARNING, "spool-trouble", why.text);
	}
	return seen > 0;
}

static void store_event(struct delivery *d)
{
	struct reason why;
	struct log_line line;
	const char *path = spool_path(d->receiver, 1);	/* where fallback_has() looks */
	enum spool_result result;

	if (d->event.reminder)
		mark_renewal(d);
	result = fallback_has(d) ? SPOOL_DUPLICATE
		: put_somewhere(d, put_event, &path, &why);
	if (result == SPOOL_FAILED) {
		refuse(d, 503, "{\"error\":\"cannot be stored\"}", why.text);
		return;
	}
	if (result == SPOOL_STORED && why.text[0])
		report(d->receiver, LOG_WARNING, "spool-trouble", why.text);
	begin_line(&line, d, d->event.reminder ? LOG_NOTICE : LOG_INFO,
		result == SPOOL_DUPLICATE ? "duplicate"
		: d->event.reminder ? "reminder" : "stored");
	log_text(&line, "name", d->event.name);
	log_number(&line, "bytes", d->body.size);
	log_text(&line, "spool", path);
	log_end(&line);
}

static void take_event(struct delivery *d)
{
	struct reason why;

	switch (event_read(&d->event, d->body.data, d->body.size, &why)) {
	case 0:
		if (d->event.check)
			answer_check(d);
		else
			store_event(d);
		break;
	case -1:
		if (d->proven)
			keep_bad(d, why.text);
		else
			keep_unproven(d, why.text);
		break;
	default:
		refuse(d, 503, "{\"error\":\"out of resources\"}", why.text);
	}
}

static void take_body(struct delivery *d)
{
	switch (body_take(&d->body, d->receiver->config.max_body)) {
	case BODY_WHOLE:
		d->step = take_event;
		break;
	case BODY_TOO_LARGE:
		body_drop(&d->body);
		refuse(d, 413, "{\"error\":\"too large\"}",
			"the body is larger than max_body allows; raise that, and the web"
			" server's own limit");
		break;
	case BODY_SHORT:
		refuse(d, 400, "{\"error\":\"incomplete body\"}",
			"the body ended before CONTENT_LENGTH");
		break;
	default:
		body_drop(&d->body);
		refuse(d, 503, "{\"error\":\"out of resources\"}", "out of memory");
	}
}

/* Judged before the body is taken into memory.  True: go on. */
static bool sender_is_accepted(struct delivery *d)
{
	const struct config *config = &d->receiver->config;
	struct tokens *tokens = &d->receiver->tokens;
	struct reason why;

	if (!config->verification_tokens[0])
		return true;
	if (tokens_update(tokens, config->verification_tokens, &why) < 0) {
		body_drop(&d->body);
		refuse(d, 503, "{\"error\":\"verification tokens unusable\"}", why.text);
		return false;
	}
	d->proven = tokens_match(tokens, d->request->verification_token);
	if (!d->proven) {
		body_drop(&d->body);
		refuse(d, 401, "{\"error\":\"verification token\"}",
			d->request->verification_token ? "wrong Verification-Token"
			: "no Verification-Token");
	}
	return d->proven;
}

static void take_notification(struct delivery *d)
{
	if (d->receiver->misconfigured) {
		body_drop(&d->body);
		refuse(d, 503, "{\"error\":\"misconfigured\"}", d->receiver->misconfigured);
		return;
	}
	if (sender_is_accepted(d))
		take_body(d);
}

static void answer_empty(struct delivery *d)
{
	struct log_line line;

	if (!d->response->validation_token[0]) {
		refuse(d, 400, "{\"error\":\"empty body\"}",
			"neither a body nor a well-formed Validation-Token");
		return;
	}
	begin_line(&line, d, LOG_NOTICE, "handshake");
	log_end(&line);
}

static void answer_post(struct delivery *d)
{
	switch (body_begin(&d->body, d->request)) {
	case BODY_EMPTY:
		answer_empty(d);
		break;
	case BODY_UNREAD:
		take_notification(d);
		break;
	case BODY_SHORT:
		refuse(d, 400, "{\"error\":\"incomplete body\"}",
			"the body ended before CONTENT_LENGTH");
		break;
	case BODY_BAD_LENGTH:
		body_drop(&d->body);
		refuse(d, 400, "{\"error\":\"bad length\"}", "CONTENT_LENGTH is no number");
		break;
	default:
		body_drop(&d->body);
		refuse(d, 503, "{\"error\":\"out of resources\"}", "out of memory");
	}
}

/* The body of a request that wants none of it. */
static void ignore_body(struct delivery *d)
{
	if (body_begin(&d->body, d->request) != BODY_SHORT)
		body_drop(&d->body);
}

/* Answers, or sets the step that will. */
static void follow_method(struct delivery *d)
{
	const char *method = d->request->method;

	d->response->head = strcmp(method, "HEAD") == 0;
	if (strcmp(method, "POST") == 0) {
		answer_post(d);
		return;
	}
	ignore_body(d);
	if (d->response->head || strcmp(method, "GET") == 0) {
		d->step = answer_health;
		return;
	}
	d->response->allow = "GET, HEAD, POST";
	refuse(d, 405, "{\"error\":\"method\"}", "the method is neither POST, GET nor HEAD");
}

bool handle_begin(struct delivery *d, struct receiver *receiver,
	const struct request *request, struct response *response)
{
	const char *token = request->validation_token;

	*d = (struct delivery){ .receiver = receiver, .request = request,
		.response = response, .began = clock_milliseconds() };
	*response = (struct response){ .status = 200, .body = "" };
	if (token && token_is_well_formed(token))
		strcpy(response->validation_token, token);	/* 512 bytes at most */
	follow_method(d);
	if (!d->step)
		body_free(&d->body);
	return !d->step;
}

void handle_finish(struct delivery *d, struct receiver *receiver)
{
	d->receiver = receiver;
	d->step(d);
	body_free(&d->body);
}

void handle_overload(struct delivery *d, struct receiver *receiver)
{
	d->receiver = receiver;
	refuse(d, 503, "{\"error\":\"overloaded\"}",
		"the spool's disk does not keep up, or hangs: it would have been stored"
		" too late");
	body_free(&d->body);
}

static void tidy_spool(struct receiver *receiver, unsigned which)
{
	struct reason why;
	int ran = spool_tidy(receiver->spools[which], &why);

	if (ran > 0)
		ran = spool_check(receiver->spools[which], receiver->config.min_free, &why);
	if (ran < 0)
		report(receiver, LOG_WARNING, "spool-trouble", why.text);
}

void receiver_tidy(struct receiver *receiver)
{
	for (unsigned i = 0; i < SPOOLS_MAX; i++)
		if (receiver->spools[i])
			tidy_spool(receiver, i);
}
