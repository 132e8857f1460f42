#include "platform.h"

#include <curl/curl.h>
#include <stdlib.h>
#include <string.h>

#include "digest.h"
#include "json.h"
#include "store.h"

#define TOKEN_FILE "token.json"
#define TOKEN_PATH "/restapi/oauth/token"
#define JWT_BEARER "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Ajwt-bearer&assertion="

enum {
	TOKEN_VERSION = 1,
	TOKEN_RESERVE = 60,		/* seconds before its end that it is not used any more */
	TOKEN_LIFETIME_MOST = 7 * 86400,
	WAIT_UNSAID = 60		/* after a 429 without Retry-After */
};

struct platform {
	struct platform_options options;
	struct http *http;
	char *token;			/* access token, or NULL */
	char owner[DIGEST_TEXT];	/* keyed digest of the credentials it belongs to */
	bool reauthorised;
	time_t clock_offset;		/* the platform's clock, less ours */
};

/* A request of the API; `body` is freed by the callee. */
struct request {
	const char *method;
	const char *id;			/* of a subscription, or NULL */
	const char *more;		/* behind the id: "/renew", or "" */
	char *body;			/* JSON, or NULL */
	bool repeatable;
	bool declares;			/* a webhook */
};

static void wipe(char *text)
{
	if (text)
		explicit_bzero(text, strlen(text));
	free(text);
}

/* The token cache. */

/* Without a cache the next run obtains a token of its own: no reason to end
 * this one.  What ails the state directory is told when the state is saved. */
static void keep_token(struct platform *platform, const char *token, time_t expires_at)
{
	cJSON *json = cJSON_CreateObject();
	struct reason why;
	char *text = NULL;

	if (cJSON_AddNumberToObject(json, "version", TOKEN_VERSION)
	    && cJSON_AddStringToObject(json, "credentials", platform->owner)
	    && cJSON_AddStringToObject(json, "access_token", token)
	    && cJSON_AddNumberToObject(json, "expires_at", (double)expires_at))
		text = cJSON_Print(json);
	cJSON_Delete(json);
	if (!text)
		return;
	(void)store_write(platform->options.store, TOKEN_FILE, 0600, text, &why);
	explicit_bzero(text, strlen(text));
	cJSON_free(text);
}

/* The cached token if it still counts and belongs to these credentials. */
static char *cached_token(struct platform *platform)
{
	struct reason why;
	size_t size = 0;
	char *text = NULL, *token = NULL;
	const char *cached;
	cJSON *json;

	if (store_read(platform->options.store, TOKEN_FILE, &text, &size, &why) != 0)
		return NULL;	/* a new one is written over whatever is there */
	json = json_parse(text, size, &why);
	explicit_bzero(text, size);
	free(text);
	cached = json_text(json, "credentials");
	if (json_number(json, "version", 1000) == TOKEN_VERSION
	    && cached && strcmp(cached, platform->owner) == 0
	    && json_number(json, "expires_at", 253402300799) > time(NULL) + TOKEN_RESERVE
	    && (cached = json_text(json, "access_token")) != NULL)
		token = strdup(cached);
	cJSON_Delete(json);
	return token;
}

/* Which credentials a token belongs to. */
static int digest_credentials(struct platform *platform, struct failure *failure)
{
	const struct credentials *credentials = platform->options.credentials;
	char *all;

	if (asprintf(&all, "%s\n%s\n%s\n%s", platform->options.settings->server,
	    credentials->client_id, credentials->client_secret, credentials->jwt) < 0)
		return failure_set(failure, FAILURE_SYSTEM, "out of memory");
	digest_keyed(platform->options.key, all, platform->owner);
	wipe(all);
	return 0;
}

struct platform *platform_open(const struct platform_options *options,
	struct failure *failure)
{
	struct platform *platform = calloc(1, sizeof *platform);
	struct http_options http = {
		.ca_file = options->settings->ca_file,
		.timeout = (unsigned)options->settings->timeout,
		.trace = options->trace,
		.masking = options->masking
	};

	if (!platform) {
		failure_set(failure, FAILURE_SYSTEM, "out of memory");
		return NULL;
	}
	platform->options = *options;
	platform->http = http_open(&http, failure);
	if (!platform->http || digest_credentials(platform, failure) < 0) {
		platform_close(platform);
		return NULL;
	}
	platform->token = cached_token(platform);
	if (platform->token && masking_add(options->masking, platform->token) < 0) {
		failure_set(failure, FAILURE_SYSTEM, "out of memory");
		platform_close(platform);
		return NULL;
	}
	return platform;
}

void platform_close(struct platform *platform)
{
	if (!platform)
		return;
	http_close(platform->http);
	wipe(platform->token);
	free(platform);
}

time_t platform_now(const struct platform *platform)
{
	return time(NULL) + platform->clock_offset;
}

bool platform_wait(struct platform *platform, long seconds)
{
	return http_wait(platform->http, seconds);
}

/* Replies. */

/* A 404 can come from a proxy or a wrong path as well: only these words say
 * that a subscription is gone. */
static bool is_gone(const struct http_reply *reply, const struct failure *failure)
{
	return reply->status == 404 && (strcmp(failure->code, "CMN-102") == 0
		|| strcmp(failure->code, "SUB-507") == 0);
}

/* Turns an error reply into a failure. */
static int refuse(struct platform *platform, const struct http_reply *reply,
	bool repeatable, struct failure *failure)
{
	failure_from_reply(failure, reply->status, reply->body, reply->size,
		reply->request_id, platform->options.masking);
	if (failure->kind == FAILURE_GONE && !is_gone(reply, failure))
		failure->kind = FAILURE_NONSENSE;
	if (failure->kind == FAILURE_LATER)
		failure->retry_after = reply->retry_after > 0 ? reply->retry_after : WAIT_UNSAID;
	if (failure->kind == FAILURE_UNCERTAIN) {
		failure->retry_after = reply->retry_after > 0 ? reply->retry_after : 0;
		if (repeatable && failure->retry_after > 0)
			failure->kind = FAILURE_LATER;
	}
	return -1;
}

static int refuse_nonsense(const struct http_reply *reply, const char *what,
	struct failure *failure)
{
	return failure_set(failure, FAILURE_NONSENSE,
		"the platform's reply to the request makes no sense: %s (HTTP %ld, %zu bytes)",
		what, reply->status, reply->size);
}

/* The JSON object of a good reply; NULL with *failure filled. */
static cJSON *parse_reply(const struct http_reply *reply, struct failure *failure)
{
	struct reason why;
	cJSON *json;

	if (reply->status != 200 && reply->status != 201) {
		refuse_nonsense(reply, "an unexpected status", failure);
		return NULL;
	}
	if (strcmp(reply->content_type, "application/json") != 0) {
		refuse_nonsense(reply, reply->content_type[0]
			? "it is not application/json" : "it has no Content-Type", failure);
		return NULL;
	}
	json = json_parse(reply->body, reply->size, &why);
	if (!json)
		refuse_nonsense(reply, why.text, failure);
	return json;
}

/* Texts of the platform's own making are shown and kept: mask them here.
 * Without memory for a masked copy the text goes. */
static void mask_text(struct platform *platform, char **text)
{
	size_t size = *text ? 4 * strlen(*text) + 1 : 0;
	char *masked = *text ? malloc(size) : NULL;

	if (masked)
		masking_text(platform->options.masking, *text, masked, size);
	else if (*text)
		**text = '\0';
	if (masked) {
		free(*text);
		*text = masked;
	}
}

static void mask_record(struct platform *platform, struct record *record)
{
	if (!record_is_active(record))	/* which counts, whatever is a secret */
		mask_text(platform, &record->status);
	mask_text(platform, &record->transport);
	mask_text(platform, &record->trouble);
	for (size_t i = 0; i < record->disabled_count; i++) {
		mask_text(platform, &record->disabled[i].reason);
		mask_text(platform, &record->disabled[i].message);
	}
}

/* Authorisation. */

static int call_token_endpoint(struct platform *platform, struct http_reply *reply,
	struct failure *failure)
{
	const struct credentials *credentials = platform->options.credentials;
	char *assertion = curl_easy_escape(NULL, credentials->jwt, 0);
	char *url = NULL, *body = NULL;
	int result = -1;

	if (!assertion || asprintf(&body, "%s%s", JWT_BEARER, assertion) < 0) {
		body = NULL;
		failure_set(failure, FAILURE_SYSTEM, "out of memory");
	} else if (asprintf(&url, "%s%s", platform->options.settings->server, TOKEN_PATH) < 0) {
		url = NULL;
		failure_set(failure, FAILURE_SYSTEM, "out of memory");
	} else {
		struct http_call post = {
			.method = "POST", .url = url,
			.user = credentials->client_id, .password = credentials->client_secret,
			.content_type = "application/x-www-form-urlencoded", .body = body,
			.repeatable = true
		};

		result = http_call(platform->http, &post, reply, failure);
	}
	if (assertion)
		explicit_bzero(assertion, strlen(assertion));
	curl_free(assertion);
	wipe(body);
	free(url);
	return result;
}

static void set_clock(struct platform *platform, const struct http_reply *reply)
{
	if (reply->date > 0)
		platform->clock_offset = reply->date - time(NULL);
}

static int take_grant(struct platform *platform, const struct http_reply *reply,
	struct grant *grant, struct failure *failure)
{
	cJSON *json = parse_reply(reply, failure);
	const char *token = json_text(json, "access_token");
	long long lifetime = json_number(json, "expires_in", TOKEN_LIFETIME_MOST);
	const char *scope = json_text(json, "scope"), *owner = json_text(json, "owner_id");
	int result = -1;

	if (!json)
		return -1;
	if (!token || strlen(token) == 0 || strpbrk(token, " \t\r\n") || lifetime < 1) {
		refuse_nonsense(reply, "it holds no usable access token", failure);
		goto out;
	}
	if (masking_add(platform->options.masking, token) < 0) {
		failure_set(failure, FAILURE_SYSTEM, "out of memory");
		goto out;
	}
	grant->expires_at = time(NULL) + (time_t)lifetime;
	masking_text(platform->options.masking, scope ? scope : "", grant->scope,
		sizeof grant->scope);
	masking_text(platform->options.masking, owner ? owner : "", grant->owner_id,
		sizeof grant->owner_id);
	wipe(platform->token);
	platform->token = strdup(token);
	if (platform->token) {
		keep_token(platform, token, grant->expires_at);
		result = 0;
	} else {
		failure_set(failure, FAILURE_SYSTEM, "out of memory");
	}
out:
	cJSON_Delete(json);
	return result;
}

int platform_authorise(struct platform *platform, struct grant *grant,
	struct failure *failure)
{
	struct http_reply reply;
	int result;

	*grant = (struct grant){ 0 };
	if (call_token_endpoint(platform, &reply, failure) < 0)
		return -1;
	set_clock(platform, &reply);
	if (reply.status >= 400) {
		result = refuse(platform, &reply, true, failure);
		if (failure->kind == FAILURE_TOKEN || failure->kind == FAILURE_PERMISSION
		    || failure->kind == FAILURE_CONFIG || failure->kind == FAILURE_REFUSED)
			failure->kind = FAILURE_CREDENTIALS;
		else if (failure->kind == FAILURE_GONE)
			failure->kind = FAILURE_NONSENSE;
		else if (failure->kind == FAILURE_UNCERTAIN)	/* each call needs a token */
			failure->kind = FAILURE_UNREACHABLE;
	} else {
		result = take_grant(platform, &reply, grant, failure);
	}
	http_reply_free(&reply);
	return result;
}

/* Calls. */

static int call_once(struct platform *platform, const struct request *request,
	struct http_reply *reply, struct failure *failure)
{
	struct http_call once = {
		.method = request->method, .bearer = platform->token,
		.content_type = request->body ? "application/json" : NULL,
		.body = request->body, .repeatable = request->repeatable
	};
	char *url;
	int result;

	if (asprintf(&url, "%s%s%s%s%s", platform->options.settings->server,
	    PLATFORM_SUBSCRIPTIONS, request->id ? "/" : "", request->id ? request->id : "",
	    request->more) < 0)
		return failure_set(failure, FAILURE_SYSTEM, "out of memory");
	if (!once.body && strcmp(once.method, "POST") == 0)
		once.body = "";		/* a Content-Length all the same */
	once.url = url;
	result = http_call(platform->http, &once, reply, failure);
	free(url);
	if (result == 0)
		set_clock(platform, reply);
	return result;
}

/* Makes the call with an access token, and once more with a new one where it
 * is refused.  0: the reply is a good one. */
static int call(struct platform *platform, const struct request *request,
	struct http_reply *reply, struct failure *failure)
{
	struct grant grant;

	for (;;) {
		if (!platform->token && platform_authorise(platform, &grant, failure) < 0)
			return -1;
		if (call_once(platform, request, reply, failure) < 0)
			return -1;
		if (reply->status < 400)
			return 0;
		refuse(platform, reply, request->repeatable, failure);
		http_reply_free(reply);
		if (failure->kind != FAILURE_TOKEN)
			return -1;
		if (platform->reauthorised) {
			failure->kind = FAILURE_CREDENTIALS;
			return -1;
		}
		platform->reauthorised = true;
		wipe(platform->token);
		platform->token = NULL;
	}
}

/* A record must be the one that was asked for, and a declared one a webhook. */
static int check_record(const struct request *request, const struct record *record,
	struct reason *why)
{
	if (request->id && strcmp(request->id, record->id) != 0)
		return reason_set(why, "it is about another subscription");
	if (request->declares && !record->webhook)
		return reason_set(why, "it is about another transport");
	return 0;
}

/* A call that answers with one record; frees the request's body. */
static int call_for_record(struct platform *platform, struct request *request,
	struct record *record, struct failure *failure)
{
	struct http_reply reply;
	struct reason why;
	cJSON *json;
	int result = call(platform, request, &reply, failure);

	wipe(request->body);
	if (result < 0)
		return -1;
	json = parse_reply(&reply, failure);
	result = json ? 0 : -1;
	if (json && record_read(record, json, &why) < 0) {
		result = refuse_nonsense(&reply, why.text, failure);
	} else if (json && check_record(request, record, &why) < 0) {
		result = refuse_nonsense(&reply, why.text, failure);
		record_free(record);
	} else if (json) {
		mask_record(platform, record);
	}
	cJSON_Delete(json);
	http_reply_free(&reply);
	return result;
}

int platform_list(struct platform *platform, struct records *records,
	struct failure *failure)
{
	struct request request = { .method = "GET", .more = "", .repeatable = true };
	struct http_reply reply;
	struct reason why;
	cJSON *json;
	int result;

	if (call(platform, &request, &reply, failure) < 0) {
		if (failure->kind == FAILURE_GONE)	/* a list is never gone */
			failure->kind = FAILURE_NONSENSE;
		return -1;
	}
	json = parse_reply(&reply, failure);
	result = json ? 0 : -1;
	if (json && records_read(records, json, &why) < 0)
		result = refuse_nonsense(&reply, why.text, failure);
	for (size_t i = 0; result == 0 && i < records->count; i++)
		mask_record(platform, &records->items[i]);
	cJSON_Delete(json);
	http_reply_free(&reply);
	return result;
}

int platform_get(struct platform *platform, const char *id, struct record *record,
	struct failure *failure)
{
	struct request request = { .method = "GET", .id = id, .more = "", .repeatable = true };

	return call_for_record(platform, &request, record, failure);
}

/* The body that declares a subscription; `create` adds what can be said only
 * then.  For free(); NULL: out of memory. */
static char *make_body(const struct declared *declared, bool create, const char *token)
{
	cJSON *json = cJSON_CreateObject(), *mode, *secret = NULL;
	char *text, *body;
	bool whole = cJSON_AddItemToObject(json, "eventFilters", cJSON_CreateStringArray(
		(const char *const *)declared->filters, (int)declared->filter_count));

	if (create) {
		mode = cJSON_AddObjectToObject(json, "deliveryMode");
		whole = whole && cJSON_AddStringToObject(mode, "transportType", "WebHook")
			&& cJSON_AddStringToObject(mode, "address", declared->address);
		if (token)
			secret = cJSON_AddStringToObject(mode, "verificationToken", token);
		whole = whole && (!token || secret);
	}
	whole = whole && cJSON_AddNumberToObject(json, "expiresIn", (double)declared->expires_in);
	/* One without its token or an address would be created all the same. */
	text = whole ? cJSON_PrintUnformatted(json) : NULL;
	if (secret)
		explicit_bzero(secret->valuestring, strlen(secret->valuestring));
	cJSON_Delete(json);
	body = text ? strdup(text) : NULL;
	if (text)
		explicit_bzero(text, strlen(text));
	cJSON_free(text);
	return body;
}

int platform_create(struct platform *platform, const struct declared *declared,
	const char *token, struct record *record, struct failure *failure)
{
	struct request request = { .method = "POST", .more = "", .declares = true };

	request.body = make_body(declared, true, token);
	if (!request.body)
		return failure_set(failure, FAILURE_SYSTEM, "out of memory");
	return call_for_record(platform, &request, record, failure);
}

int platform_update(struct platform *platform, const char *id,
	const struct declared *declared, struct record *record, struct failure *failure)
{
	struct request request = { .method = "PUT", .id = id, .more = "", .repeatable = true,
		.declares = true };

	request.body = make_body(declared, false, NULL);
	if (!request.body)
		return failure_set(failure, FAILURE_SYSTEM, "out of memory");
	return call_for_record(platform, &request, record, failure);
}

int platform_renew(struct platform *platform, const char *id, struct record *record,
	struct failure *failure)
{
	struct request request = { .method = "POST", .id = id, .more = "/renew",
		.repeatable = true };

	return call_for_record(platform, &request, record, failure);
}

int platform_delete(struct platform *platform, const char *id, struct failure *failure)
{
	struct request request = { .method = "DELETE", .id = id, .more = "",
		.repeatable = true };
	struct http_reply reply;

	int result = 0;

	if (call(platform, &request, &reply, failure) < 0)
		return failure->kind == FAILURE_GONE ? 0 : -1;
	if (reply.status != 204)
		result = refuse_nonsense(&reply, "an unexpected status", failure);
	http_reply_free(&reply);
	return result;
}
