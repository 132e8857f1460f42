#include "row.h"

#include <cjson/cJSON.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "family.h"
#include "figures.h"
#include "text.h"

void row_read_envelope(struct states *states, const struct entry *entry,
	struct envelope *envelope)
{
	struct reason ignored;
	int fd = states_open_file(states, entry, &ignored);

	*envelope = (struct envelope){ .uuid = "" };
	if (fd < 0)
		return;
	(void)states_read_envelope(fd, envelope, &ignored);
	close(fd);
}

void row_path(char out[ROW_PATH_SIZE], const char *spool, const struct entry *entry)
{
	(void)snprintf(out, ROW_PATH_SIZE, "%s/%s/%s%s%s", spool,
		entry_state_directory(entry->state), entry->day, entry->day[0] ? "/" : "",
		entry->file);
}

void row_time(char out[ROW_TIME_SIZE], const struct timespec *when)
{
	char seconds[FIGURE_SIZE];

	figure_time(seconds, when->tv_sec);
	(void)snprintf(out, ROW_TIME_SIZE, "%.*s.%03ldZ", (int)strcspn(seconds, "Z"),
		seconds, when->tv_nsec / 1000000);
}

static void add_text(cJSON *json, const char *key, const char *text)
{
	if (text[0])
		(void)cJSON_AddStringToObject(json, key, text);
	else
		(void)cJSON_AddNullToObject(json, key);
}

static void add_time(cJSON *json, const char *key, const struct timespec *when)
{
	char text[ROW_TIME_SIZE] = "";

	if (when->tv_sec != 0)
		row_time(text, when);
	add_text(json, key, text);
}

static void add_number(cJSON *json, const char *key, bool known, double number)
{
	if (known)
		(void)cJSON_AddNumberToObject(json, key, number);
	else
		(void)cJSON_AddNullToObject(json, key);
}

static bool was_taken(const struct entry *entry)
{
	return entry->received.tv_sec == 0;
}

static const char *state_of(const struct entry *entry)
{
	return was_taken(entry) ? "taken" : entry_state_name(entry->state);
}

static cJSON *describe(const char *spool, const struct entry *entry,
	const struct envelope *envelope, time_t now)
{
	struct timespec due = { .tv_sec = entry->due };
	char family[FAMILY_SIZE], path[ROW_PATH_SIZE];
	cJSON *json = cJSON_CreateObject();

	row_path(path, spool, entry);
	family_of(family, envelope->event);
	add_text(json, "name", entry->name);
	add_text(json, "state", state_of(entry));
	add_time(json, "received", &entry->received);
	add_number(json, "age_seconds", !was_taken(entry),
		(double)figure_age(now, entry->received.tv_sec));
	add_text(json, "family", family);
	add_text(json, "event", envelope->event);
	add_text(json, "uuid", envelope->uuid);
	add_text(json, "subscription", envelope->subscription);
	add_text(json, "owner", envelope->owner);
	add_text(json, "timestamp", envelope->timestamp);
	add_number(json, "size", !was_taken(entry), (double)entry->size);
	add_number(json, "attempt", entry->attempt > 0, entry->attempt);
	add_time(json, "due", &due);
	add_text(json, "reason", entry->reason);
	add_text(json, "file", path);
	return json;
}

void row_print_json(const char *spool, const struct entry *entry,
	const struct envelope *envelope, time_t now)
{
	cJSON *json = describe(spool, entry, envelope, now);
	char *text = cJSON_PrintUnformatted(json);

	cJSON_Delete(json);
	if (text)
		text_write_json(stdout, text, strlen(text));
	putchar('\n');
	cJSON_free(text);
}

enum column { NAME, AGE, EVENT, SUBSCRIPTION, SIZE, STATE, COLUMNS };

static const char *const titles[COLUMNS] = { "NAME", "AGE", "EVENT", "SUBSCRIPTION",
	"SIZE", "STATE" };

struct row {
	char cells[COLUMNS][SPOOL_NAME_SIZE];
};

struct table {
	time_t now;
	bool begun;			/* the titles are printed */
	int widths[COLUMNS];		/* they only grow */
	size_t at_once, count;
	struct row rows[];
};

struct table *table_new(size_t at_once, time_t now)
{
	struct table *table = calloc(1, sizeof *table + at_once * sizeof table->rows[0]);
	/* What is usual, where rows are printed one by one. */
	static const int usual[COLUMNS] = { 37, 4, 42, 36, 8, 7 };

	if (!table)
		return NULL;
	table->now = now;
	table->at_once = at_once;
	for (int i = 0; i < COLUMNS; i++)
		table->widths[i] = at_once == 1 ? usual[i] : (int)strlen(titles[i]);
	return table;
}

static void print_cells(const struct table *table, const char *const cells[COLUMNS])
{
	for (int i = 0; i < STATE; i++) {
		bool right = i == AGE || i == SIZE;

		printf("%*s  ", right ? table->widths[i] : -table->widths[i], cells[i]);
	}
	puts(cells[STATE]);
}

static void print_rows(struct table *table)
{
	if (!table->begun && table->count > 0)
		print_cells(table, titles);
	table->begun = table->begun || table->count > 0;
	for (size_t i = 0; i < table->count; i++) {
		const char *cells[COLUMNS];

		for (int j = 0; j < COLUMNS; j++)
			cells[j] = table->rows[i].cells[j];
		print_cells(table, cells);
	}
	table->count = 0;
}

static void describe_state(char *out, size_t size, const struct entry *entry, time_t now)
{
	const char *name = state_of(entry);
	char left[FIGURE_SIZE];

	if (entry->state == STATE_FAILED && entry->reason[0])
		(void)snprintf(out, size, "%s %s", name, entry->reason);
	else if (entry->state == STATE_RETRYING && entry->due > now) {
		figure_span(left, entry->due - now);
		(void)snprintf(out, size, "%s in %s", name, left);
	} else
		(void)snprintf(out, size, "%s", name);
}

void table_add(struct table *table, const struct entry *entry,
	const struct envelope *envelope)
{
	struct row *row = &table->rows[table->count++];
	char family[FAMILY_SIZE];

	family_of(family, envelope->event);
	strcpy(row->cells[NAME], entry->name);		/* has room for a name */
	figure_span(row->cells[AGE], was_taken(entry) ? 0
		: figure_age(table->now, entry->received.tv_sec));
	text_plain(row->cells[EVENT], sizeof row->cells[EVENT], family);
	text_plain(row->cells[SUBSCRIPTION], sizeof row->cells[SUBSCRIPTION],
		envelope->subscription[0] ? envelope->subscription : "-");
	figure_bytes(row->cells[SIZE], entry->size);
	describe_state(row->cells[STATE], sizeof row->cells[STATE], entry, table->now);
	for (int i = 0; i < COLUMNS; i++) {
		int length = (int)strlen(row->cells[i]);

		if (length > table->widths[i])
			table->widths[i] = length;
	}
	if (table->count == table->at_once)
		print_rows(table);
}

void table_set_time(struct table *table, time_t now)
{
	table->now = now;
}

void table_end(struct table *table)
{
	print_rows(table);
	free(table);
}
