#include "request.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void request_from_meta(struct request *request,
	const char *(*get)(void *context, const char *name), void *context)
{
	request->method = get(context, "REQUEST_METHOD");
	if (!request->method)
		request->method = "";
	request->content_length = get(context, "CONTENT_LENGTH");
	request->validation_token = get(context, "HTTP_VALIDATION_TOKEN");
	request->verification_token = get(context, "HTTP_VERIFICATION_TOKEN");
	request->remote_addr = get(context, "REMOTE_ADDR");
}

static const char *status_text(int status)
{
	switch (status) {
	case 200: return "200 OK";
	case 400: return "400 Bad Request";
	case 401: return "401 Unauthorized";
	case 405: return "405 Method Not Allowed";
	case 413: return "413 Content Too Large";
	default: return "503 Service Unavailable";
	}
}

struct text {
	char *out;
	size_t used;
};

__attribute__((format(printf, 2, 3)))
static void add(struct text *text, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	text->used += (size_t)vsnprintf(text->out + text->used,
		RESPONSE_SIZE - text->used, format, args);
	va_end(args);
}

size_t response_format(const struct response *response, char out[RESPONSE_SIZE])
{
	struct text text = { .out = out };

	add(&text, "Status: %s\r\nContent-Type: application/json\r\nContent-Length: %zu\r\n",
		status_text(response->status), strlen(response->body));
	if (response->validation_token[0])
		add(&text, "Validation-Token: %s\r\n", response->validation_token);
	if (response->retry_after)
		add(&text, "Retry-After: %u\r\n", response->retry_after);
	if (response->allow)
		add(&text, "Allow: %s\r\n", response->allow);
	add(&text, "\r\n%s", response->head ? "" : response->body);
	return text.used;
}
