#include "record.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "json.h"
#include "times.h"

enum { ID_MAX_BYTES = 128 };

bool record_id_is_well_formed(const char *id)
{
	static const char unreserved[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
		"abcdefghijklmnopqrstuvwxyz0123456789-._~";
	size_t length = strlen(id);

	return length > 0 && length <= ID_MAX_BYTES && strspn(id, unreserved) == length
		&& strspn(id, ".") < length;	/* not "." or ".." */
}

/* Copies a text that must be there. */
static int take_text(char **out, const cJSON *object, const char *name,
	struct reason *why)
{
	const char *text = json_text(object, name);

	if (!text)
		return reason_set(why, "\"%s\" is missing, or no text", name);
	*out = strdup(text);
	return *out ? 0 : reason_set(why, "out of memory");
}

/* Copies a text that may be missing; "" then. */
static int take_optional(char **out, const cJSON *object, const char *name,
	struct reason *why)
{
	const char *text = json_text(object, name);

	*out = strdup(text ? text : "");
	return *out ? 0 : reason_set(why, "out of memory");
}

static int take_filters(struct record *record, const cJSON *json, struct reason *why)
{
	const cJSON *list = cJSON_GetObjectItemCaseSensitive(json, "eventFilters");
	const cJSON *item;

	if (!cJSON_IsArray(list))
		return reason_set(why, "\"eventFilters\" is missing, or no list");
	record->filters = calloc((size_t)cJSON_GetArraySize(list) + 1, sizeof *record->filters);
	if (!record->filters)
		return reason_set(why, "out of memory");
	cJSON_ArrayForEach(item, list) {
		if (!cJSON_IsString(item))
			return reason_set(why, "\"eventFilters\" holds something else than texts");
		record->filters[record->filter_count] = strdup(item->valuestring);
		if (!record->filters[record->filter_count])
			return reason_set(why, "out of memory");
		record->filter_count++;
	}
	return 0;
}

static int take_disabled(struct record *record, const cJSON *json, struct reason *why)
{
	const cJSON *list = cJSON_GetObjectItemCaseSensitive(json, "disabledFilters");
	const cJSON *item;

	if (!list || cJSON_IsNull(list))
		return 0;
	if (!cJSON_IsArray(list))
		return reason_set(why, "\"disabledFilters\" is no list");
	record->disabled = calloc((size_t)cJSON_GetArraySize(list) + 1,
		sizeof *record->disabled);
	if (!record->disabled)
		return reason_set(why, "out of memory");
	cJSON_ArrayForEach(item, list) {
		struct disabled_filter *disabled = &record->disabled[record->disabled_count++];

		if (take_text(&disabled->filter, item, "filter", why) < 0
		    || take_optional(&disabled->reason, item, "reason", why) < 0
		    || take_optional(&disabled->message, item, "message", why) < 0)
			return -1;
	}
	return 0;
}

static int take_moment(time_t *moment, const cJSON *json, const char *name,
	struct reason *why)
{
	const char *text = json_text(json, name);

	if (!text || !time_parse(text, moment) || *moment < 0)
		return reason_set(why, "\"%s\" is missing, or no date and time", name);
	return 0;
}

static int take_trouble(struct record *record, const cJSON *json, struct reason *why)
{
	const char *reason = json_text(
		cJSON_GetObjectItemCaseSensitive(json, "blacklistedData"), "reason");

	if (!reason)
		return 0;
	record->trouble = strdup(reason);
	return record->trouble ? 0 : reason_set(why, "out of memory");
}

static int take_webhook(struct record *record, const cJSON *json, const cJSON *mode,
	struct reason *why)
{
	const char *created = json_text(json, "creationTime");

	if (take_text(&record->address, mode, "address", why) < 0
	    || take_text(&record->status, json, "status", why) < 0
	    || take_moment(&record->expires_at, json, "expirationTime", why) < 0
	    || take_filters(record, json, why) < 0
	    || take_disabled(record, json, why) < 0
	    || take_trouble(record, json, why) < 0)
		return -1;
	record->seconds_left = (long)json_number(json, "expiresIn", INT_MAX);
	if (!created || !time_parse(created, &record->created_at) || record->created_at < 0)
		record->created_at = 0;
	return 0;
}

int record_read(struct record *record, const cJSON *json, struct reason *why)
{
	const cJSON *mode = cJSON_GetObjectItemCaseSensitive(json, "deliveryMode");
	int result = -1;

	*record = (struct record){ 0 };
	if (take_text(&record->id, json, "id", why) < 0)
		goto out;
	if (!record_id_is_well_formed(record->id)) {
		reason_set(why, "\"id\" is no id");
		goto out;
	}
	if (take_text(&record->transport, mode, "transportType", why) < 0)
		goto out;
	record->webhook = strcmp(record->transport, "WebHook") == 0;
	result = record->webhook ? take_webhook(record, json, mode, why) : 0;
out:
	if (result < 0)
		record_free(record);
	return result;
}

/* Reads the list's next record; one whose id was there before is the same once
 * more, and dropped: as a duplicate it would get the only one deleted. */
static int take_record(struct records *records, const cJSON *item, struct reason *why)
{
	struct record *record = &records->items[records->count];

	if (record_read(record, item, why) < 0)
		return -1;
	if (records_find(records, record->id))
		record_free(record);
	else
		records->count++;
	return 0;
}

/* Whether there is more of the list on another page. */
static bool is_paged(const cJSON *json)
{
	const cJSON *paging = cJSON_GetObjectItemCaseSensitive(json, "paging");
	const cJSON *next = cJSON_GetObjectItemCaseSensitive(
		cJSON_GetObjectItemCaseSensitive(json, "navigation"), "nextPage");
	long long size = cJSON_GetArraySize(cJSON_GetObjectItemCaseSensitive(json, "records"));

	return (next && !cJSON_IsNull(next))
		|| json_number(paging, "page", LLONG_MAX) > 1
		|| json_number(paging, "totalPages", LLONG_MAX) > 1
		|| json_number(paging, "totalElements", LLONG_MAX) > size;
}

int records_read(struct records *records, const cJSON *json, struct reason *why)
{
	const cJSON *list = cJSON_GetObjectItemCaseSensitive(json, "records");
	const cJSON *item;
	struct reason what;
	size_t number = 0;

	*records = (struct records){ 0 };
	if (!cJSON_IsArray(list))
		return reason_set(why, "\"records\" is missing, or no list");
	if (is_paged(json))
		return reason_set(why, "it is one page of several, and no list of all");
	records->items = calloc((size_t)cJSON_GetArraySize(list) + 1, sizeof *records->items);
	if (!records->items)
		return reason_set(why, "out of memory");
	cJSON_ArrayForEach(item, list) {
		number++;
		if (take_record(records, item, &what) < 0) {
			reason_set(why, "record %zu of the list: %s", number, what.text);
			records_free(records);
			return -1;
		}
	}
	return 0;
}

void record_free(struct record *record)
{
	for (size_t i = 0; i < record->filter_count; i++)
		free(record->filters[i]);
	for (size_t i = 0; i < record->disabled_count; i++) {
		free(record->disabled[i].filter);
		free(record->disabled[i].reason);
		free(record->disabled[i].message);
	}
	free(record->filters);
	free(record->disabled);
	free(record->id);
	free(record->transport);
	free(record->address);
	free(record->status);
	free(record->trouble);
	*record = (struct record){ 0 };
}

void records_free(struct records *records)
{
	for (size_t i = 0; i < records->count; i++)
		record_free(&records->items[i]);
	free(records->items);
	*records = (struct records){ 0 };
}

bool record_is_active(const struct record *record)
{
	return record->status && strcmp(record->status, "Active") == 0;
}

const struct record *records_find(const struct records *records, const char *id)
{
	for (size_t i = 0; i < records->count; i++)
		if (strcmp(records->items[i].id, id) == 0)
			return &records->items[i];
	return NULL;
}
