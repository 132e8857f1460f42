#include "http.h"

#include <ctype.h>
#include <curl/curl.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/random.h>

#include "address.h"

enum {
	CONNECT_SECONDS = 10,
	ATTEMPTS = 4,			/* of a run: the first and three more */
	WAIT_MILLISECONDS = 30000,	/* of a run */
	FIRST_WAIT = 2000
};

#define REPLY_MAX_BYTES ((size_t)64 << 20)

struct http {
	CURL *curl;
	struct http_options options;
	unsigned repeats;		/* left */
	long milliseconds;		/* of waiting left */
	long next_wait;			/* milliseconds, before jitter */
	char error[CURL_ERROR_SIZE];
};

/* A reply being received. */
struct receiving {
	const struct masking *masking;
	struct http_reply *reply;
	size_t capacity;
	bool too_large;
	char retry_after[64];
};

static size_t receive_body(char *data, size_t one, size_t size, void *context)
{
	struct receiving *r = context;
	struct http_reply *reply = r->reply;

	size *= one;
	if (size > REPLY_MAX_BYTES - reply->size) {
		r->too_large = true;
		return 0;
	}
	if (reply->size + size + 1 > r->capacity) {
		size_t capacity = (reply->size + size + 1) * 2;
		char *grown = realloc(reply->body, capacity);

		if (!grown)
			return 0;
		reply->body = grown;
		r->capacity = capacity;
	}
	memcpy(reply->body + reply->size, data, size);
	reply->size += size;
	reply->body[reply->size] = '\0';
	return size;
}

/* Copies a header's value into out if the line has that name. */
static bool take_header(const char *line, const char *name, char *out, size_t size)
{
	size_t length = strlen(name);

	if (strncasecmp(line, name, length) != 0 || line[length] != ':')
		return false;
	line += length + 1;
	line += strspn(line, " \t");
	length = strcspn(line, "\r\n");
	if (length >= size)
		length = size - 1;
	memcpy(out, line, length);
	out[length] = '\0';
	return true;
}

/* Copies a header's line for people.  It is masked as a whole before it is cut:
 * the first half of a secret would not be recognised. */
static int mask_line(const struct masking *masking, const char *data, size_t size,
	char *out, size_t out_size)
{
	char *line = strndup(data, size);

	if (!line)
		return -1;
	line[strcspn(line, "\r\n")] = '\0';
	masking_text(masking, line, out, out_size);
	explicit_bzero(line, strlen(line));
	free(line);
	return 0;
}

static size_t receive_header(char *data, size_t one, size_t size, void *context)
{
	struct receiving *r = context;
	char line[512], shown[512], date[64];

	size *= one;
	(void)snprintf(line, sizeof line, "%.*s",
		(int)(size < sizeof line ? size : sizeof line - 1), data);
	if (mask_line(r->masking, data, size, shown, sizeof shown) < 0)
		return 0;
	if (take_header(line, "Date", date, sizeof date)) {
		time_t moment = curl_getdate(date, NULL);

		r->reply->date = moment > 0 ? moment : 0;
	}
	(void)take_header(line, "Retry-After", r->retry_after, sizeof r->retry_after);
	(void)take_header(shown, "RCRequestId", r->reply->request_id,
		sizeof r->reply->request_id);
	if (take_header(line, "Content-Type", r->reply->content_type,
	    sizeof r->reply->content_type)) {
		char *type = r->reply->content_type;

		type[strcspn(type, "; \t")] = '\0';
		for (; *type; type++)
			*type = (char)tolower((unsigned char)*type);
	}
	return size;
}

/* Retry-After is a number of seconds or a date of the server's clock. */
static long read_retry_after(const char *text, time_t server_now)
{
	const long longest = 24L * 60 * 60;
	time_t until;
	long seconds;
	char *end;

	if (!text[0])
		return -1;
	errno = 0;
	seconds = strtol(text, &end, 10);
	if (*end != '\0' || end == text) {
		until = curl_getdate(text, NULL);
		if (until < 0)
			return -1;
		if (server_now == 0)
			server_now = time(NULL);
		seconds = until > server_now ? (long)(until - server_now) : 0;
	}
	if (errno || seconds > longest)
		return longest;
	return seconds < 0 ? 0 : seconds;
}

/* Prints a block of header lines; the values of those that hold secrets are
 * left out, and what is a secret elsewhere is masked. */
static void trace_headers(const struct http *http, const char *mark, const char *data,
	size_t size)
{
	static const char *const hidden[] = { "Authorization", "Proxy-Authorization",
		"Cookie", "Set-Cookie", "Validation-Token", "Verification-Token" };
	const char *end = data + size;

	while (data < end) {
		const char *stop = memchr(data, '\n', (size_t)(end - data));
		size_t length = (size_t)((stop ? stop : end) - data);
		char shown[800];

		if (mask_line(http->options.masking, data, length, shown, sizeof shown) < 0)
			return;
		for (size_t i = 0; i < sizeof hidden / sizeof hidden[0]; i++) {
			size_t name = strlen(hidden[i]);

			if (strncasecmp(shown, hidden[i], name) == 0 && shown[name] == ':')
				strcpy(shown + name, ": ***");
		}
		if (shown[0])
			fprintf(http->options.trace, "%s %s\n", mark, shown);
		data = stop ? stop + 1 : end;
	}
}

static int trace(CURL *curl, curl_infotype type, char *data, size_t size, void *context)
{
	(void)curl;
	if (type == CURLINFO_HEADER_OUT)
		trace_headers(context, ">", data, size);
	else if (type == CURLINFO_HEADER_IN)
		trace_headers(context, "<", data, size);
	return 0;
}

/* What holds for every call. */
static void set_up(struct http *http, const struct http_call *call, struct curl_slist *headers)
{
	CURL *curl = http->curl;
	bool secure = address_is_https(call->url);

	curl_easy_reset(curl);
	curl_easy_setopt(curl, CURLOPT_URL, call->url);
	curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, call->method);
	curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, secure ? "https" : "http");
	if (!secure)	/* this machine only, and not by way of a proxy */
		curl_easy_setopt(curl, CURLOPT_PROXY, "");
	curl_easy_setopt(curl, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	if (http->options.ca_file[0]) {
		curl_easy_setopt(curl, CURLOPT_CAINFO, http->options.ca_file);
		curl_easy_setopt(curl, CURLOPT_CAPATH, NULL);	/* instead, not besides */
	}
	if (!call->repeatable)	/* on a kept connection that dies, libcurl would repeat it */
		curl_easy_setopt(curl, CURLOPT_FRESH_CONNECT, 1L);
	curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT, (long)CONNECT_SECONDS);
	curl_easy_setopt(curl, CURLOPT_TIMEOUT, (long)http->options.timeout);
	curl_easy_setopt(curl, CURLOPT_MAXFILESIZE_LARGE, (curl_off_t)REPLY_MAX_BYTES);
	curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, http->error);
	curl_easy_setopt(curl, CURLOPT_USERAGENT,
		"ringspool/" RINGSPOOL_VERSION " (ringspool-renew)");
	curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
	if (call->bearer) {
		curl_easy_setopt(curl, CURLOPT_HTTPAUTH, (long)CURLAUTH_BEARER);
		curl_easy_setopt(curl, CURLOPT_XOAUTH2_BEARER, call->bearer);
	}
	if (call->user) {
		curl_easy_setopt(curl, CURLOPT_HTTPAUTH, (long)CURLAUTH_BASIC);
		curl_easy_setopt(curl, CURLOPT_USERNAME, call->user);
		curl_easy_setopt(curl, CURLOPT_PASSWORD, call->password);
	}
	if (call->body) {
		curl_easy_setopt(curl, CURLOPT_POSTFIELDS, call->body);
		curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)strlen(call->body));
	}
	if (http->options.trace) {
		curl_easy_setopt(curl, CURLOPT_VERBOSE, 1L);
		curl_easy_setopt(curl, CURLOPT_DEBUGFUNCTION, trace);
		curl_easy_setopt(curl, CURLOPT_DEBUGDATA, http);
	}
}

/* Adds "NAME: VALUE"; false when memory ran out, and then all is freed. */
static bool add_header(struct curl_slist **headers, const char *name, const char *value)
{
	struct curl_slist *longer = NULL;
	char *line;

	if (asprintf(&line, "%s: %s", name, value) >= 0) {
		longer = curl_slist_append(*headers, line);
		free(line);
	}
	if (!longer) {
		curl_slist_free_all(*headers);
		*headers = NULL;
		return false;
	}
	*headers = longer;
	return true;
}

static struct curl_slist *make_headers(const struct http_call *call)
{
	struct curl_slist *headers = NULL;

	if (!add_header(&headers, "Accept", "application/json")
	    || (call->content_type
		&& !add_header(&headers, "Content-Type", call->content_type))
	    || !add_header(&headers, "Expect", ""))
		return NULL;
	return headers;
}

/* What an error of libcurl means for the call. */
static enum failure_kind kind_of(CURLcode code, const struct receiving *r, bool *again)
{
	*again = false;
	switch (code) {
	case CURLE_COULDNT_RESOLVE_HOST:
	case CURLE_COULDNT_RESOLVE_PROXY:
	case CURLE_COULDNT_CONNECT:
	case CURLE_SSL_CONNECT_ERROR:
		*again = true;
		return FAILURE_UNREACHABLE;
	case CURLE_PEER_FAILED_VERIFICATION:
	case CURLE_SSL_CACERT_BADFILE:
	case CURLE_SSL_CIPHER:
		return FAILURE_UNREACHABLE;
	case CURLE_FILESIZE_EXCEEDED:
	case CURLE_UNSUPPORTED_PROTOCOL:
	case CURLE_WEIRD_SERVER_REPLY:
	case CURLE_BAD_CONTENT_ENCODING:
		return FAILURE_NONSENSE;
	case CURLE_OUT_OF_MEMORY:
		return FAILURE_SYSTEM;
	case CURLE_WRITE_ERROR:
		return r->too_large ? FAILURE_NONSENSE : FAILURE_SYSTEM;
	default:	/* time-outs, lost connections: it may have been carried out */
		*again = true;
		return FAILURE_UNCERTAIN;
	}
}

/* Of libcurl's words alone nobody knows who was called: it may have been our
 * endpoint. */
static int fail_call(const struct http *http, const struct receiving *r, CURLcode code,
	bool *again, struct failure *failure)
{
	enum failure_kind kind = kind_of(code, r, again);
	char shown[CURL_ERROR_SIZE];

	if (r->too_large)
		return failure_set(failure, kind, "the reply is larger than 64 MB");
	masking_text(http->options.masking,
		http->error[0] ? http->error : curl_easy_strerror(code), shown, sizeof shown);
	if (kind != FAILURE_UNREACHABLE && kind != FAILURE_UNCERTAIN)
		return failure_set(failure, kind, "%s", shown);
	return failure_set(failure, kind, "no reply from the platform: %s; see server, ca_file and"
		" timeout of [platform], the proxy (https_proxy), and the network", shown);
}

/* One attempt.  *again tells whether another could help. */
static int attempt(struct http *http, const struct http_call *call,
	struct http_reply *reply, bool *again, struct failure *failure)
{
	struct receiving r = { .masking = http->options.masking, .reply = reply };
	struct curl_slist *headers = make_headers(call);
	CURLcode code;

	*again = false;
	*reply = (struct http_reply){ .retry_after = -1 };
	if (!headers || !(reply->body = calloc(1, 1))) {
		curl_slist_free_all(headers);
		return failure_set(failure, FAILURE_SYSTEM, "out of memory");
	}
	set_up(http, call, headers);
	curl_easy_setopt(http->curl, CURLOPT_WRITEFUNCTION, receive_body);
	curl_easy_setopt(http->curl, CURLOPT_WRITEDATA, &r);
	curl_easy_setopt(http->curl, CURLOPT_HEADERFUNCTION, receive_header);
	curl_easy_setopt(http->curl, CURLOPT_HEADERDATA, &r);
	http->error[0] = '\0';
	code = curl_easy_perform(http->curl);
	curl_slist_free_all(headers);
	if (code == CURLE_OK) {
		curl_easy_getinfo(http->curl, CURLINFO_RESPONSE_CODE, &reply->status);
		reply->retry_after = read_retry_after(r.retry_after, reply->date);
		*again = reply->status == 500 || reply->status == 502
			|| reply->status == 503 || reply->status == 504;
		return 0;
	}
	http_reply_free(reply);
	return fail_call(http, &r, code, again, failure);
}

struct http *http_open(const struct http_options *options, struct failure *failure)
{
	struct http *http = calloc(1, sizeof *http);

	if (http)
		http->curl = curl_easy_init();
	if (!http || !http->curl) {
		free(http);
		failure_set(failure, FAILURE_SYSTEM, "libcurl cannot be started");
		return NULL;
	}
	http->options = *options;
	http->repeats = ATTEMPTS - 1;
	http->milliseconds = WAIT_MILLISECONDS;
	http->next_wait = FIRST_WAIT;
	return http;
}

void http_close(struct http *http)
{
	if (!http)
		return;
	curl_easy_cleanup(http->curl);
	free(http);
}

/* Waits at least so long; false when the ration does not allow it. */
static bool wait_at_least(struct http *http, long milliseconds)
{
	struct timespec wait;

	if (http->repeats == 0 || milliseconds > http->milliseconds)
		return false;
	http->repeats--;
	http->milliseconds -= milliseconds;
	http->next_wait *= 2;
	wait = (struct timespec){ milliseconds / 1000, milliseconds % 1000 * 1000000 };
	while (nanosleep(&wait, &wait) < 0 && errno == EINTR)
		;
	return true;
}

bool http_wait(struct http *http, long seconds)
{
	unsigned random = 0;
	long wait;

	/* Jitter: from three quarters of the time to all of it.  Without random
	 * numbers there is none, which does no harm. */
	(void)!getrandom(&random, sizeof random, GRND_NONBLOCK);
	wait = http->next_wait - (long)(random % (unsigned)(http->next_wait / 4));
	return wait_at_least(http, wait > seconds * 1000 ? wait : seconds * 1000);
}

int http_call(struct http *http, const struct http_call *call,
	struct http_reply *reply, struct failure *failure)
{
	if (!address_is_https(call->url) && !address_is_loopback(call->url))
		return failure_set(failure, FAILURE_CONFIG,
			"http:// is for a server on this machine only");
	for (;;) {
		bool again;
		int result = attempt(http, call, reply, &again, failure);
		bool unsent = result < 0 && failure->kind == FAILURE_UNREACHABLE;
		bool waited = false;

		if (!again || (!call->repeatable && !unsent))
			return result;
		if (result == 0 && reply->retry_after >= 0)
			waited = wait_at_least(http, reply->retry_after * 1000);
		else
			waited = http_wait(http, 0);
		if (!waited) {
			if (result < 0 && call->repeatable && failure->kind == FAILURE_UNCERTAIN)
				failure->kind = FAILURE_UNREACHABLE;
			return result;
		}
		if (result == 0)
			http_reply_free(reply);
	}
}

void http_reply_free(struct http_reply *reply)
{
	if (reply->body)
		explicit_bzero(reply->body, reply->size);	/* a token's reply */
	free(reply->body);
	*reply = (struct http_reply){ 0 };
}
