#include "failure.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#include "json.h"

enum { MESSAGE_SHOWN = 240 };

struct code {
	const char *code;
	enum failure_kind kind;
	const char *advice;
};

/* What an errorCode means and what can be done about it. */
static const struct code codes[] = {
	{ "CMN-101", FAILURE_CONFIG,
		"the platform refuses a value: see the filters, address and expires_in declared" },
	{ "CMN-102", FAILURE_GONE, "it has expired or was deleted" },
	{ "CMN-301", FAILURE_LATER, "it takes no more calls for now" },
	{ "CMN-310", FAILURE_LATER, "it takes no more calls for now" },
	{ "CMN-401", FAILURE_PERMISSION,
		"give the application the permission named, in the developer console" },
	{ "CMN-408", FAILURE_PERMISSION,
		"the user whom the JWT stands for lacks the permission named" },
	{ "SUB-402", FAILURE_PERMISSION, "presence is disabled for this extension" },
	{ "SUB-403", FAILURE_PERMISSION, "the user may not monitor that extension" },
	{ "SUB-404", FAILURE_PERMISSION, "the user may not pick up calls of that extension" },
	{ "SUB-405", FAILURE_PERMISSION, "messages of other extensions cannot be had" },
	{ "SUB-406", FAILURE_PERMISSION, "events of another account cannot be had" },
	{ "SUB-408", FAILURE_PERMISSION, "a filter names an unknown user" },
	{ "SUB-527", FAILURE_PERMISSION, "missed calls of other extensions cannot be had" },
	{ "SUB-505", FAILURE_LIMIT,
		"see `ringspool-renew list` and delete what is not needed any more" },
	{ "SUB-507", FAILURE_GONE, "it has expired" },
	{ "SUB-508", FAILURE_CONFIG, "a filter is invalid; see `ringspool-renew filters`" },
	{ "SUB-516", FAILURE_CONFIG,
		"reminder_threshold may be half of expires_in at most, reminder_interval"
		" half of the threshold" },
	{ "SUB-520", FAILURE_ENDPOINT, "the endpoint does not return the Validation-Token" },
	{ "SUB-521", FAILURE_ENDPOINT, "the endpoint cannot be reached, or is too slow" },
	{ "SUB-523", FAILURE_CONFIG, "the address must begin with https://" },
	{ "SUB-524", FAILURE_ENDPOINT,
		"the certificate is not valid, or its intermediate certificates are not sent" },
	{ "SUB-525", FAILURE_ENDPOINT,
		"the endpoint's reply breaks a rule (status, media type, size)" },
	{ "OAU-213", FAILURE_TOKEN, "the access token does not count any more" },
	{ "TokenInvalid", FAILURE_TOKEN, "the access token does not count any more" },
	{ "TokenExpired", FAILURE_TOKEN, "the access token does not count any more" },
	{ "invalid_grant", FAILURE_CREDENTIALS,
		"the JWT is refused: it may have expired, or belong to another application" },
	{ "invalid_client", FAILURE_CREDENTIALS, "client id or client secret is wrong" },
	{ "unauthorized_client", FAILURE_CREDENTIALS,
		"the application may not use JWT authorisation: see the developer console" },
	{ "unsupported_grant_type", FAILURE_CREDENTIALS,
		"the application may not use JWT authorisation: see the developer console" },
};

static const char *const kind_names[] = {
	[FAILURE_NONE] = "none", [FAILURE_UNREACHABLE] = "unreachable",
	[FAILURE_UNCERTAIN] = "unreachable", [FAILURE_ENDPOINT] = "endpoint",
	[FAILURE_REFUSED] = "refused", [FAILURE_LIMIT] = "limit", [FAILURE_LATER] = "later",
	[FAILURE_NONSENSE] = "nonsense", [FAILURE_GONE] = "gone",
	[FAILURE_TOKEN] = "credentials", [FAILURE_CREDENTIALS] = "credentials",
	[FAILURE_PERMISSION] = "permission", [FAILURE_CONFIG] = "configuration",
	[FAILURE_USAGE] = "usage", [FAILURE_SYSTEM] = "system"
};

const char *failure_kind_name(enum failure_kind kind)
{
	return kind_names[kind];
}

void failure_format(struct failure *failure, enum failure_kind kind,
	const char *format, ...)
{
	va_list args;

	*failure = (struct failure){ .kind = kind };
	va_start(args, format);
	(void)vsnprintf(failure->text, sizeof failure->text, format, args);
	va_end(args);
}

static const struct code *find_code(const char *code)
{
	for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++)
		if (strcmp(codes[i].code, code) == 0)
			return &codes[i];
	return NULL;
}

bool failure_code_is_known(const char *code)
{
	return find_code(code) != NULL;
}

/* Where nothing is known of the code, or there is none. */
static enum failure_kind kind_of_status(long status)
{
	if (status == 401)
		return FAILURE_TOKEN;
	if (status == 403)
		return FAILURE_PERMISSION;
	if (status == 404)
		return FAILURE_GONE;
	if (status == 429)
		return FAILURE_LATER;
	if (status >= 500 && status <= 504)
		return FAILURE_UNCERTAIN;
	return FAILURE_REFUSED;
}

/* The error itself: only errors[] is promised, an errorCode at the top is
 * usual, and the token endpoint has a form of its own, beside which there may
 * be the other. */
static const cJSON *error_of(const cJSON *root)
{
	const cJSON *first = cJSON_GetArrayItem(
		cJSON_GetObjectItemCaseSensitive(root, "errors"), 0);

	return json_text(first, "errorCode") && !json_text(root, "error") ? first : root;
}

/* A value that is refused: that of the address means that the platform did
 * not get on with our endpoint. */
static bool is_about_address(const cJSON *error)
{
	const char *parameter = json_text(error, "parameterName");
	const char *message = json_text(error, "message");

	return (parameter && strstr(parameter, "deliveryMode.address"))
		|| (message && strstr(message, "[deliveryMode.address]"));
}

static const char *first_text(const cJSON *object, const char *one, const char *other)
{
	const char *text = json_text(object, one);

	return text ? text : json_text(object, other);
}

static void describe(struct failure *failure, long status, const cJSON *error,
	const char *request_id, const struct masking *masking)
{
	const char *code = first_text(error, "error", "errorCode");
	const char *message = first_text(error, "message", "error_description");
	const char *permission = json_text(error, "permissionName");
	char shown[MESSAGE_SHOWN], named[80], id[80];
	const struct code *known;

	masking_text(masking, code ? code : "", failure->code, sizeof failure->code);
	masking_text(masking, message ? message : "no message", shown, sizeof shown);
	masking_text(masking, permission ? permission : "", named, sizeof named);
	masking_text(masking, request_id, id, sizeof id);
	known = find_code(failure->code);
	if (strcmp(failure->code, "CMN-101") == 0 && is_about_address(error))
		known = find_code("SUB-521");
	failure->kind = known ? known->kind : kind_of_status(status);
	(void)snprintf(failure->text, sizeof failure->text,
		"%s%sHTTP %ld: %s%s%s%s%s%s%s%s%s", failure->code, failure->code[0] ? ", " : "",
		status, shown, named[0] ? " [" : "", named, named[0] ? "]" : "",
		known ? "; " : "", known ? known->advice : "",
		id[0] ? " (RCRequestId " : "", id, id[0] ? ")" : "");
}

int failure_from_reply(struct failure *failure, long status, const char *body,
	size_t size, const char *request_id, const struct masking *masking)
{
	struct reason why;
	cJSON *root = json_parse(body, size, &why);
	bool api = root && first_text(error_of(root), "errorCode", "error");

	*failure = (struct failure){ 0 };
	describe(failure, status, api ? error_of(root) : NULL, request_id, masking);
	cJSON_Delete(root);
	if (status == 429)
		failure->kind = FAILURE_LATER;
	else if (status >= 500 && status <= 504)
		failure->kind = FAILURE_UNCERTAIN;
	else if (!api && status != 401)	/* not the platform's own words: a proxy's, a portal's */
		failure_set(failure, FAILURE_NONSENSE,
			"HTTP %ld, and the reply is no error of the platform", status);
	return -1;
}

bool failure_ends_run(enum failure_kind kind)
{
	switch (kind) {
	case FAILURE_UNREACHABLE:
	case FAILURE_LATER:
	case FAILURE_TOKEN:
	case FAILURE_CREDENTIALS:
	case FAILURE_SYSTEM:
		return true;
	default:
		return false;
	}
}

int failure_exit_status(enum failure_kind kind)
{
	switch (kind) {
	case FAILURE_NONE:
		return EX_OK;
	case FAILURE_UNREACHABLE:
	case FAILURE_UNCERTAIN:
	case FAILURE_ENDPOINT:
	case FAILURE_REFUSED:
	case FAILURE_LIMIT:
	case FAILURE_GONE:
		return EX_UNAVAILABLE;
	case FAILURE_LATER:
		return EX_TEMPFAIL;
	case FAILURE_NONSENSE:
		return EX_PROTOCOL;
	case FAILURE_TOKEN:
	case FAILURE_CREDENTIALS:
	case FAILURE_PERMISSION:
		return EX_NOPERM;
	case FAILURE_CONFIG:
		return EX_CONFIG;
	case FAILURE_USAGE:
		return EX_USAGE;
	case FAILURE_SYSTEM:
		break;
	}
	return EX_OSERR;
}
