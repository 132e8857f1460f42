#include "status.h"

#include <string.h>

#include "address.h"
#include "json.h"
#include "store.h"

enum { STATUS_VERSION = 1, FILTER_SHOWN = 2400 };

/* { "exit_status", "code", "text" }, or null. */
static void add_error(cJSON *json, int exit_status, const char *code, const char *text)
{
	cJSON *error;

	if (!text || !text[0]) {
		(void)cJSON_AddNullToObject(json, "error");
		return;
	}
	error = cJSON_AddObjectToObject(json, "error");
	(void)cJSON_AddNumberToObject(error, "exit_status", exit_status);
	json_add_text(error, "code", code);
	json_add_text(error, "text", text);
}

static void add_disabled(cJSON *json, const struct known *known,
	const struct masking *masking)
{
	cJSON *list = cJSON_AddArrayToObject(json, "disabled_filters");

	for (size_t i = 0; known && i < known->disabled_count; i++) {
		cJSON *one = cJSON_CreateObject();
		char filter[FILTER_SHOWN];

		/* What it is compared by is kept as it came. */
		masking_text(masking, known->disabled[i].filter, filter, sizeof filter);
		json_add_text(one, "filter", filter);
		json_add_text(one, "reason", known->disabled[i].reason);
		json_add_text(one, "message", known->disabled[i].message);
		(void)cJSON_AddItemToArray(list, one);
	}
	/* Which these are cannot be known: the platform writes filters in its way. */
	for (long i = 0; known && i < known->left_out; i++) {
		cJSON *one = cJSON_CreateObject();

		json_add_text(one, "filter", NULL);
		json_add_text(one, "reason", NULL);
		json_add_text(one, "message", "left out by the platform without a word");
		(void)cJSON_AddItemToArray(list, one);
	}
}

/* { "from", "until", "reason" }, or null. */
static void add_interruption(cJSON *json, const struct known *known)
{
	cJSON *member;

	if (!known || !known->interruption) {
		(void)cJSON_AddNullToObject(json, "last_interruption");
		return;
	}
	member = cJSON_AddObjectToObject(json, "last_interruption");
	json_add_time(member, "from", known->interrupted_from);
	json_add_time(member, "until", known->interrupted_until);
	json_add_text(member, "reason", known->interruption);
}

static cJSON *describe(const struct declared *declared, const struct known *known,
	const struct masking *masking)
{
	cJSON *json = cJSON_CreateObject();
	char address[ADDRESS_SHOWN];

	address_show(declared->address, address);
	json_add_text(json, "name", declared->name);
	json_add_text(json, "address", address);
	json_add_text(json, "id", known ? known->id : NULL);
	json_add_text(json, "status", known ? known->status : NULL);
	json_add_time(json, "expires_at", known ? known->expires_at : 0);
	(void)cJSON_AddNumberToObject(json, "filters", (double)declared->filter_count);
	add_disabled(json, known, masking);
	json_add_time(json, "last_good_run", known ? known->last_good : 0);
	json_add_time(json, "failing_since", known ? known->failing_since : 0);
	add_interruption(json, known);
	add_error(json, known ? known->error_status : 0, known ? known->code : NULL,
		known && known->failing_since ? known->error : NULL);
	return json;
}

int status_write(int store, const struct status_input *input, struct reason *why)
{
	cJSON *json = cJSON_CreateObject(), *list;
	char *text;
	int result;

	(void)cJSON_AddNumberToObject(json, "version", STATUS_VERSION);
	json_add_text(json, "program", "ringspool-renew " RINGSPOOL_VERSION);
	json_add_time(json, "run_at", input->now);
	(void)cJSON_AddNumberToObject(json, "exit_status", input->exit_status);
	json_add_time(json, "last_good_run", input->state->last_good);
	json_add_time(json, "retry_after", input->state->retry_until);
	add_error(json, input->exit_status, input->failure ? input->failure->code : NULL,
		input->failure ? input->failure->text : NULL);
	list = cJSON_AddArrayToObject(json, "subscriptions");
	for (size_t i = 0; i < input->settings->count; i++)
		(void)cJSON_AddItemToArray(list, describe(&input->settings->subscriptions[i],
			state_find(input->state, input->settings->subscriptions[i].name),
			input->masking));
	text = cJSON_Print(json);
	cJSON_Delete(json);
	if (!text)
		return reason_set(why, "out of memory");
	result = store_write(store, "status.json", 0644, text, why);
	cJSON_free(text);
	return result;
}
