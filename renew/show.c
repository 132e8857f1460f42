#include "show.h"

#include <stdio.h>
#include <string.h>

#include "address.h"
#include "check_print.h"
#include "filters.h"
#include "json.h"
#include "times.h"

enum { TEXT_SIZE = 2400 };

/* A text from outside, fit for a terminal and for a JSON document. */
static const char *fit(const struct run *run, const char *text, char out[TEXT_SIZE])
{
	masking_text(run->report->masking, text ? text : "-", out, TEXT_SIZE);
	return out;
}

/* The address that a record shows, the same way. */
static const char *fit_address(const struct run *run, const struct record *record,
	char out[TEXT_SIZE])
{
	char address[ADDRESS_SHOWN];

	if (!record->address)
		return fit(run, NULL, out);
	address_show(record->address, address);
	return fit(run, address, out);
}

static cJSON *record_to_json(const struct run *run, const struct declared *declared,
	const struct record *record)
{
	time_t left = record->expires_at - platform_now(run->platform);
	cJSON *json = cJSON_CreateObject(), *list;
	char text[TEXT_SIZE];

	json_add_text(json, "name", declared ? declared->name : NULL);
	json_add_text(json, "id", record->id);
	json_add_text(json, "transport", record->transport);
	json_add_text(json, "status", record->status);
	json_add_text(json, "trouble", record->trouble);
	json_add_text(json, "address",
		record->address ? fit_address(run, record, text) : NULL);
	json_add_time(json, "created_at", record->created_at);
	json_add_time(json, "expires_at", record->expires_at);
	if (record->expires_at)
		(void)cJSON_AddNumberToObject(json, "expires_in", (double)left);
	else
		(void)cJSON_AddNullToObject(json, "expires_in");
	list = cJSON_AddArrayToObject(json, "filters");
	for (size_t i = 0; i < record->filter_count; i++)
		(void)cJSON_AddItemToArray(list, cJSON_CreateString(
			fit(run, record->filters[i], text)));
	list = cJSON_AddArrayToObject(json, "disabled_filters");
	for (size_t i = 0; i < record->disabled_count; i++) {
		cJSON *one = cJSON_CreateObject();

		json_add_text(one, "filter", fit(run, record->disabled[i].filter, text));
		json_add_text(one, "reason", record->disabled[i].reason);
		json_add_text(one, "message", record->disabled[i].message);
		(void)cJSON_AddItemToArray(list, one);
	}
	return json;
}

static const struct declared *declared_of(const struct run *run, const struct plan *plan,
	const struct record *record)
{
	for (size_t i = 0; i < run->settings->count; i++)
		if (plan->kept[i] == record)
			return &run->settings->subscriptions[i];
	return NULL;
}

static void print_row(const struct run *run, const struct declared *declared,
	const struct record *record)
{
	char expires[TIME_TEXT] = "-", address[TEXT_SIZE], filters[48] = "-";
	char status[TEXT_SIZE];

	if (record->expires_at)
		time_format_span(record->expires_at - platform_now(run->platform), expires);
	if (record->webhook && record->disabled_count > 0)
		(void)snprintf(filters, sizeof filters, "%zu, %zu off", record->filter_count,
			record->disabled_count);
	else if (record->webhook)
		(void)snprintf(filters, sizeof filters, "%zu", record->filter_count);
	printf("%-16s %-12s %-16s %-9s %-36s %s\n", declared ? declared->name : "-",
		fit(run, record->webhook ? record->status : record->transport, status),
		expires, filters, record->id, fit_address(run, record, address));
}

static void print_list(const struct run *run, const struct plan *plan)
{
	printf("%-16s %-12s %-16s %-9s %-36s %s\n", "NAME", "STATUS", "EXPIRES IN", "FILTERS",
		"ID", "ADDRESS");
	for (size_t i = 0; i < run->present.count; i++)
		print_row(run, declared_of(run, plan, &run->present.items[i]),
			&run->present.items[i]);
	for (size_t i = 0; i < run->settings->count; i++) {
		char address[ADDRESS_SHOWN];

		if (plan->kept[i])
			continue;
		address_show(run->settings->subscriptions[i].address, address);
		printf("%-16s %-12s %-16s %-9zu %-36s %s\n", run->settings->subscriptions[i].name,
			"missing", "-", run->settings->subscriptions[i].filter_count, "-", address);
	}
}

void show_list(struct run *run, const struct plan *plan)
{
	cJSON *list;

	if (!run->document) {
		print_list(run, plan);
		return;
	}
	list = cJSON_AddArrayToObject(run->document, "subscriptions");
	for (size_t i = 0; i < run->present.count; i++)
		(void)cJSON_AddItemToArray(list, record_to_json(run,
			declared_of(run, plan, &run->present.items[i]), &run->present.items[i]));
	list = cJSON_AddArrayToObject(run->document, "missing");
	for (size_t i = 0; i < run->settings->count; i++)
		if (!plan->kept[i])
			(void)cJSON_AddItemToArray(list,
				cJSON_CreateString(run->settings->subscriptions[i].name));
}

static void print_moment(const char *label, time_t moment, time_t now)
{
	char when[TIME_TEXT], span[TIME_TEXT];

	if (moment == 0)
		return;
	time_format(moment, when);
	time_format_span(moment - now, span);
	printf("%-12s %s (%s%s)\n", label, when, moment > now ? "in " : "", span);
}

static void print_record(const struct run *run, const struct declared *declared,
	const struct record *record)
{
	time_t now = platform_now(run->platform);
	char text[TEXT_SIZE], more[TEXT_SIZE], message[TEXT_SIZE];

	printf("%-12s %s\n", "name", declared ? declared->name : "-");
	printf("%-12s %s\n", "id", record->id);
	printf("%-12s %s\n", "transport", fit(run, record->transport, text));
	printf("%-12s %s\n", "status", fit(run, record->status, text));
	if (record->trouble)
		printf("%-12s %s\n", "trouble", fit(run, record->trouble, text));
	printf("%-12s %s\n", "address", fit_address(run, record, text));
	print_moment("created", record->created_at, now);
	print_moment("expires", record->expires_at, now);
	for (size_t i = 0; i < record->filter_count; i++)
		printf("%-12s %s\n", "filter", fit(run, record->filters[i], text));
	for (size_t i = 0; i < record->disabled_count; i++)
		printf("%-12s %s: %s %s\n", "disabled", fit(run, record->disabled[i].filter, text),
			fit(run, record->disabled[i].reason, more),
			fit(run, record->disabled[i].message, message));
}

void show_record(struct run *run, const struct declared *declared,
	const struct record *record)
{
	if (run->document)
		(void)cJSON_AddItemToObject(run->document, "subscription",
			record_to_json(run, declared, record));
	else
		print_record(run, declared, record);
}

void show_grant(struct run *run, const struct grant *grant)
{
	char when[TIME_TEXT], span[TIME_TEXT];
	cJSON *json;

	if (run->document) {
		json = cJSON_AddObjectToObject(run->document, "token");
		json_add_text(json, "server", run->settings->server);
		json_add_text(json, "owner_id", grant->owner_id);
		json_add_text(json, "scope", grant->scope);
		json_add_time(json, "expires_at", grant->expires_at);
		return;
	}
	time_format(grant->expires_at, when);
	time_format_span(grant->expires_at - time(NULL), span);
	printf("%-12s %s\n", "server", run->settings->server);
	printf("%-12s %s\n", "owner", grant->owner_id[0] ? grant->owner_id : "-");
	printf("%-12s %s\n", "scope", grant->scope[0] ? grant->scope : "-");
	printf("%-12s %s (in %s)\n", "expires", when, span);
}

void show_filters(struct run *run)
{
	const char *family = "";
	cJSON *list = run->document ? cJSON_AddArrayToObject(run->document, "filters") : NULL;

	for (size_t i = 0; i < filter_kind_count; i++) {
		const struct filter_kind *kind = &filter_kinds[i];

		if (list) {
			cJSON *json = cJSON_CreateObject();

			json_add_text(json, "name", kind->name);
			json_add_text(json, "family", kind->family);
			json_add_text(json, "description", kind->description);
			json_add_text(json, "path", kind->path);
			(void)cJSON_AddItemToArray(list, json);
			continue;
		}
		if (strcmp(family, kind->family) != 0)
			printf("%s%s\n", family[0] ? "\n" : "", kind->family);
		family = kind->family;
		printf("  %-27s %s\n  %-27s %s\n", kind->name, kind->description, "", kind->path);
	}
}

void show_check(struct run *run, const struct declared *declared,
	const struct check_report *report, unsigned faults)
{
	char address[ADDRESS_SHOWN];
	cJSON *list, *json;

	address_show(declared->address, address);
	if (!run->document) {
		printf("%s: %s\n", declared->name, address);
		check_print(report, stdout);
		return;
	}
	list = cJSON_GetObjectItemCaseSensitive(run->document, "checks");
	if (!list)
		list = cJSON_AddArrayToObject(run->document, "checks");
	json = cJSON_CreateObject();
	json_add_text(json, "name", declared->name);
	json_add_text(json, "address", address);
	(void)cJSON_AddBoolToObject(json, "passes", faults == 0);
	(void)cJSON_AddItemToObject(json, "rules", check_to_json(report));
	(void)cJSON_AddItemToArray(list, json);
}
