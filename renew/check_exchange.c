#include "check_exchange.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define USER_AGENT "RingCentral-Webhook/8.3 (ringspool-renew " RINGSPOOL_VERSION " check)"

/* Copies a text that came from outside, what is not plain as '?'. */
static void copy_plain(char *out, size_t size, const char *text, size_t length)
{
	size_t used = 0;

	for (; used < length && used + 1 < size && text[used]; used++)
		out[used] = text[used] >= ' ' && text[used] <= '~' ? text[used] : '?';
	out[used] = '\0';
}

/* Counts the body; with HTTP_TRANSFER_DECODING off the framing of chunks is
 * part of it. */
static size_t count_body(char *data, size_t one, size_t size, void *context)
{
	struct exchange_reply *reply = context;

	(void)data;
	reply->wire += one * size;
	return reply->wire > EXCHANGE_BODY_MAX ? 0 : size;
}

/* The version of TLS is told in curl's messages only. */
static int note_tls(CURL *curl, curl_infotype type, char *data, size_t size, void *context)
{
	static const char before[] = "SSL connection using ";
	const size_t length = sizeof before - 1;
	struct exchange_reply *reply = context;
	const char *end;

	(void)curl;
	if (type != CURLINFO_TEXT || size < length || memcmp(data, before, length) != 0)
		return 0;
	end = memchr(data + length, ' ', size - length);
	copy_plain(reply->tls, sizeof reply->tls, data + length,
		(size_t)((end ? end : data + size) - (data + length)));
	return 0;
}

/* Appends "NAME: VALUE"; false when memory ran out. */
static bool add_header(struct curl_slist **headers, const char *name, const char *value)
{
	struct curl_slist *longer;
	char *line;

	if (asprintf(&line, "%s: %s", name, value) < 0)
		return false;
	longer = curl_slist_append(*headers, line);
	explicit_bzero(line, strlen(line));
	free(line);
	if (longer)
		*headers = longer;
	return longer != NULL;
}

static void free_headers(struct curl_slist *headers)
{
	for (struct curl_slist *header = headers; header; header = header->next)
		explicit_bzero(header->data, strlen(header->data));
	curl_slist_free_all(headers);
}

/* What RingCentral sends, its invalid Accept-Encoding included. */
static bool make_headers(struct curl_slist **headers, const struct exchange *request)
{
	return add_header(headers, "Content-Type", "application/json")
		&& add_header(headers, "Accept", "application/json")
		&& add_header(headers, "Accept-Encoding", "UTF-8")
		&& add_header(headers, "Expect", "")
		&& (!request->validation_token
			|| add_header(headers, "Validation-Token", request->validation_token))
		&& (!request->verification_token
			|| add_header(headers, "Verification-Token", request->verification_token));
}

static void set_request(CURL *curl, const struct exchange *request,
	const struct curl_slist *headers)
{
	curl_easy_setopt(curl, CURLOPT_URL, request->address);
	curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(curl, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE, (long)strlen(request->body));
	curl_easy_setopt(curl, CURLOPT_POSTFIELDS, request->body);
	curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
	curl_easy_setopt(curl, CURLOPT_USERAGENT, USER_AGENT);
	/* RingCentral comes from outside: a proxy of ours proves nothing. */
	curl_easy_setopt(curl, CURLOPT_PROXY, "");
	curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, (long)EXCHANGE_PATIENCE_MS);
	curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(curl, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	curl_easy_setopt(curl, CURLOPT_CERTINFO, 1L);
	if (request->ca_file && request->ca_file[0]) {
		curl_easy_setopt(curl, CURLOPT_CAINFO, request->ca_file);
		curl_easy_setopt(curl, CURLOPT_CAPATH, NULL);
	}
}

static void set_reply(CURL *curl, struct exchange_reply *reply)
{
	curl_easy_setopt(curl, CURLOPT_HTTP_TRANSFER_DECODING, 0L);
	curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, count_body);
	curl_easy_setopt(curl, CURLOPT_WRITEDATA, reply);
	curl_easy_setopt(curl, CURLOPT_VERBOSE, 1L);
	curl_easy_setopt(curl, CURLOPT_DEBUGFUNCTION, note_tls);
	curl_easy_setopt(curl, CURLOPT_DEBUGDATA, reply);
}

static bool has_tls(CURL *curl)
{
	curl_off_t microseconds = 0;

	curl_easy_getinfo(curl, CURLINFO_APPCONNECT_TIME_T, &microseconds);
	return microseconds > 0;
}

static enum exchange_stage stage_of(CURL *curl, CURLcode code, bool connected, bool https)
{
	switch (code) {
	case CURLE_OK:
	case CURLE_WRITE_ERROR:		/* cut off by count_body() */
		return STAGE_REPLIED;
	case CURLE_SSL_CONNECT_ERROR:
		return STAGE_NO_TLS;
	case CURLE_PEER_FAILED_VERIFICATION:
	case CURLE_SSL_CACERT_BADFILE:
		return STAGE_NO_TRUST;
	case CURLE_OUT_OF_MEMORY:
	case CURLE_URL_MALFORMAT:
		return STAGE_START;
	default:
		if (!connected)
			return STAGE_NO_CONNECTION;
		if (https && !has_tls(curl))
			return STAGE_NO_TLS;
		/* Not by the time it took, which may be a little less. */
		return code == CURLE_OPERATION_TIMEDOUT ? STAGE_LATE : STAGE_NO_REPLY;
	}
}

/* When the first certificate of the chain expires.  One that is past its time
 * already does not count: the chain was verified, so it is not needed. */
static time_t first_expiry(const struct curl_certinfo *chain)
{
	static const char label[] = "Expire date:";
	time_t first = 0, now = time(NULL);

	for (int i = 0; i < chain->num_of_certs; i++) {
		for (struct curl_slist *line = chain->certinfo[i]; line; line = line->next) {
			time_t expires;

			if (strncmp(line->data, label, sizeof label - 1) != 0)
				continue;
			expires = curl_getdate(line->data + sizeof label - 1, NULL);
			if (expires > now && (first == 0 || expires < first))
				first = expires;
		}
	}
	return first;
}

static void note_connection(CURL *curl, struct exchange_reply *reply)
{
	struct curl_certinfo *chain = NULL;
	const char *peer = NULL;

	if (curl_easy_getinfo(curl, CURLINFO_PRIMARY_IP, &peer) == CURLE_OK && peer)
		copy_plain(reply->peer, sizeof reply->peer, peer, strlen(peer));
	if (curl_easy_getinfo(curl, CURLINFO_CERTINFO, &chain) == CURLE_OK && chain) {
		reply->certificates = chain->num_of_certs;
		reply->expires = first_expiry(chain);
	}
}

/* The value of a header, or "" where there is none. */
static const char *header_of(CURL *curl, const char *name)
{
	struct curl_header *header;

	return curl_easy_header(curl, name, 0, CURLH_HEADER, -1, &header) == CURLHE_OK
		? header->value : "";
}

static bool is_json(const char *content_type)
{
	static const char json[] = "application/json";
	size_t length = strcspn(content_type, "; \t");

	return length == strlen(json) && strncasecmp(content_type, json, length) == 0;
}

/* An endpoint may repeat the verification token in its headers. */
static void note_headers(CURL *curl, const struct masking *masking,
	struct exchange_reply *reply)
{
	const char *type = header_of(curl, "Content-Type");
	const char *encoding;

	reply->json = is_json(type);
	masking_text(masking, type, reply->content_type, sizeof reply->content_type);
	encoding = header_of(curl, "Content-Encoding");
	reply->encoded = encoding[0] && strcasecmp(encoding, "identity") != 0;
	masking_text(masking, encoding, reply->content_encoding,
		sizeof reply->content_encoding);
	masking_text(masking, header_of(curl, "Location"), reply->location,
		sizeof reply->location);
	reply->location[strcspn(reply->location, "?#")] = '\0';
}

static void note_echoes(CURL *curl, const char *token, struct exchange_reply *reply)
{
	struct curl_header *header;

	while (curl_easy_header(curl, "Validation-Token", reply->echoes, CURLH_HEADER, -1,
		&header) == CURLHE_OK) {
		reply->echoes++;
		reply->true_echoes += token && strcmp(header->value, token) == 0;
	}
}

static void note_reply(CURL *curl, const struct exchange *request,
	struct exchange_reply *reply)
{
	curl_off_t microseconds = 0;
	long header_bytes = 0;

	curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &reply->status);
	curl_easy_getinfo(curl, CURLINFO_HEADER_SIZE, &header_bytes);
	curl_easy_getinfo(curl, CURLINFO_TOTAL_TIME_T, &microseconds);
	reply->wire += (size_t)header_bytes;
	reply->milliseconds = (double)microseconds / 1000;
	note_headers(curl, request->masking, reply);
	note_echoes(curl, request->validation_token, reply);
}

static void perform(CURL *curl, const struct exchange *request,
	const struct curl_slist *headers, struct exchange_reply *reply)
{
	bool https = strncasecmp(request->address, "https:", strlen("https:")) == 0;
	char error[CURL_ERROR_SIZE] = "";
	CURLcode code;

	set_request(curl, request, headers);
	set_reply(curl, reply);
	curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, error);
	code = curl_easy_perform(curl);
	note_connection(curl, reply);
	reply->stage = stage_of(curl, code, reply->peer[0] != '\0', https);
	if (code != CURLE_OK)
		masking_text(request->masking, error[0] ? error : curl_easy_strerror(code),
			reply->error, sizeof reply->error);
	note_reply(curl, request, reply);
}

void exchange(const struct exchange *request, struct exchange_reply *reply)
{
	CURL *curl = curl_easy_init();
	struct curl_slist *headers = NULL;

	*reply = (struct exchange_reply){ .stage = STAGE_START, .error = "out of memory" };
	if (curl && make_headers(&headers, request)) {
		reply->error[0] = '\0';
		perform(curl, request, headers, reply);
	}
	curl_easy_cleanup(curl);
	free_headers(headers);
}
