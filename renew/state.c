#include "state.h"

#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/random.h>

#include "json.h"
#include "store.h"

#define STATE_FILE "state.json"

enum {
	STATE_VERSION = 1,
	LONG_AGO = 1,				/* seconds after the epoch */
	DIGEST_DIGITS = 2 * DIGEST_KEY_BYTES	/* of the key, in hexadecimal */
};

static const long long TIME_MOST = 253402300799;	/* the end of the year 9999 */

/* Reading.  A member of a wrong type makes the whole file damaged. */

static bool read_text(const cJSON *json, const char *name, char *out, size_t size)
{
	const char *text = json_text(json, name);

	if (!text || strlen(text) >= size)
		return false;
	strcpy(out, text);	/* fits: checked above */
	return true;
}

static bool read_copy(const cJSON *json, const char *name, char **out)
{
	const cJSON *item = cJSON_GetObjectItemCaseSensitive(json, name);

	if (cJSON_IsNull(item))
		return true;
	return cJSON_IsString(item) && (*out = strdup(item->valuestring)) != NULL;
}

static bool read_time(const cJSON *json, const char *name, time_t *out)
{
	long long number = json_number(json, name, TIME_MOST);

	*out = (time_t)number;
	return number >= 0;
}

static bool read_long(const cJSON *json, const char *name, long *out)
{
	long long number = json_number(json, name, INT_MAX);

	*out = (long)number;
	return number >= 0;
}

static bool read_ids(const cJSON *list, struct known *known)
{
	const cJSON *item;

	if (!cJSON_IsArray(list))
		return false;
	cJSON_ArrayForEach(item, list)
		if (!cJSON_IsString(item) || !record_id_is_well_formed(item->valuestring)
		    || known_add_old(known, item->valuestring) < 0)
			return false;
	return true;
}

static bool read_disabled(const cJSON *list, struct known *known)
{
	const cJSON *item;

	if (!cJSON_IsArray(list))
		return false;
	known->disabled = calloc((size_t)cJSON_GetArraySize(list) + 1, sizeof *known->disabled);
	if (!known->disabled)
		return false;
	cJSON_ArrayForEach(item, list) {
		struct disabled_filter *one = &known->disabled[known->disabled_count++];

		if (!read_copy(item, "filter", &one->filter) || !one->filter
		    || !read_copy(item, "reason", &one->reason) || !one->reason
		    || !read_copy(item, "message", &one->message) || !one->message)
			return false;
	}
	return true;
}

/* A state of an earlier version knows of no interruptions. */
static bool read_interruption(const cJSON *json, struct known *known)
{
	if (!json)
		return true;
	return read_copy(json, "lost", &known->lost)
		&& read_time(json, "lost_from", &known->lost_from)
		&& read_copy(json, "reason", &known->interruption)
		&& read_time(json, "from", &known->interrupted_from)
		&& read_time(json, "until", &known->interrupted_until);
}

/* A state of an earlier version does not tell of unconcluded creations. */
static bool read_creating(const cJSON *json, struct known *known)
{
	if (!json)
		return true;
	return read_text(json, "token", known->creating, sizeof known->creating)
		&& read_time(json, "since", &known->creating_since);
}

/* Nor of filters that were left out. */
static bool read_left_out(const cJSON *json, struct known *known)
{
	return !cJSON_HasObjectItem(json, "left_out")
		|| read_long(json, "left_out", &known->left_out);
}

static bool read_known(const cJSON *json, struct known *known)
{
	long tries, error_status;

	if (!read_text(json, "name", known->name, sizeof known->name)
	    || !read_copy(json, "id", &known->id)
	    || (known->id && !record_id_is_well_formed(known->id))
	    || !read_text(json, "token", known->token, sizeof known->token)
	    || !read_text(json, "address", known->address, sizeof known->address)
	    || !read_long(json, "asked_expires_in", &known->asked_expires_in)
	    || !read_long(json, "lifetime", &known->lifetime)
	    || !read_text(json, "asked", known->asked, sizeof known->asked)
	    || !read_text(json, "answered", known->answered, sizeof known->answered)
	    || !read_ids(cJSON_GetObjectItemCaseSensitive(json, "old"), known)
	    || !read_disabled(cJSON_GetObjectItemCaseSensitive(json, "disabled"), known)
	    || !read_left_out(json, known)
	    || !read_long(json, "tries", &tries)
	    || !read_time(json, "next_try", &known->next_try)
	    || !read_creating(cJSON_GetObjectItemCaseSensitive(json, "creating"), known)
	    || !read_interruption(cJSON_GetObjectItemCaseSensitive(json, "interruption"), known)
	    || !read_copy(json, "status", &known->status)
	    || !read_time(json, "expires_at", &known->expires_at)
	    || !read_time(json, "last_good", &known->last_good)
	    || !read_time(json, "failing_since", &known->failing_since)
	    || !read_copy(json, "error", &known->error)
	    || !read_text(json, "code", known->code, sizeof known->code)
	    || !read_long(json, "error_status", &error_status))
		return false;
	known->tries = (unsigned)tries;
	known->error_status = (int)error_status;
	return true;
}

static bool read_told(const cJSON *json, struct told *told)
{
	told->failure = cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(json, "failure"));
	return read_copy(json, "key", &told->key) && told->key
		&& read_time(json, "since", &told->since)
		&& read_time(json, "at", &told->at);
}

static bool read_key(const cJSON *json, unsigned char key[DIGEST_KEY_BYTES])
{
	const char *text = json_text(json, "key");

	if (!text || strlen(text) != DIGEST_DIGITS
	    || strspn(text, "0123456789abcdef") != strlen(text))
		return false;
	for (size_t i = 0; i < DIGEST_KEY_BYTES; i++) {
		char digits[3] = { text[2 * i], text[2 * i + 1], '\0' };

		key[i] = (unsigned char)strtoul(digits, NULL, 16);
	}
	return true;
}

static bool read_lists(struct state *state, const cJSON *known, const cJSON *told)
{
	const cJSON *item;

	if (!cJSON_IsArray(known) || !cJSON_IsArray(told))
		return false;
	state->known = calloc((size_t)cJSON_GetArraySize(known) + 1, sizeof *state->known);
	state->told = calloc((size_t)cJSON_GetArraySize(told) + 1, sizeof *state->told);
	if (!state->known || !state->told)
		return false;
	cJSON_ArrayForEach(item, known)
		if (!read_known(item, &state->known[state->known_count++]))
			return false;
	cJSON_ArrayForEach(item, told)
		if (!read_told(item, &state->told[state->told_count++]))
			return false;
	return true;
}

static int read_state(struct state *state, const char *text, size_t size,
	struct reason *why)
{
	cJSON *json = json_parse(text, size, why);
	bool good;

	if (!json)
		return -1;
	good = json_number(json, "version", INT_MAX) == STATE_VERSION;
	if (!good)
		reason_set(why, "is not of this program's version");
	else
		reason_set(why, "is damaged");
	good = good && read_key(json, state->key)
		&& (!cJSON_HasObjectItem(json, "owner")
			|| read_copy(json, "owner", &state->owner))
		&& read_time(json, "retry_until", &state->retry_until)
		&& read_time(json, "last_good", &state->last_good)
		&& read_lists(state, cJSON_GetObjectItemCaseSensitive(json, "subscriptions"),
			cJSON_GetObjectItemCaseSensitive(json, "told"));
	cJSON_Delete(json);
	return good ? 0 : -1;
}

/* A clock that was wrong must not make monitoring believe in good runs to come. */
static void drop_future(time_t *moment)
{
	if (*moment > time(NULL))
		*moment = 0;
}

/* What it told counts as told long ago, not as within the day until that time
 * comes; and not as never, for then its end would not be told. */
static void date_back(struct told *told)
{
	if (told->at > time(NULL))
		told->at = LONG_AGO;
	if (told->since > time(NULL))
		told->since = time(NULL);
}

static void drop_future_times(struct state *state)
{
	drop_future(&state->last_good);
	for (size_t i = 0; i < state->told_count; i++)
		date_back(&state->told[i]);
	for (size_t i = 0; i < state->known_count; i++) {
		drop_future(&state->known[i].last_good);
		drop_future(&state->known[i].lost_from);
	}
}

static int make_fresh(struct state *state, struct reason *why)
{
	*state = (struct state){ 0 };
	if (getrandom(state->key, sizeof state->key, 0) != sizeof state->key)
		return reason_set(why, "no random numbers: %s", strerror(errno));
	return 1;
}

int state_load(struct state *state, int directory, struct reason *note)
{
	struct reason what, aside;
	size_t size = 0;
	char *text = NULL;
	int result = store_read(directory, STATE_FILE, &text, &size, &what);

	*state = (struct state){ 0 };
	note->text[0] = '\0';
	if (result < 0)
		return reason_set(note, "%s", what.text);
	if (result == 1)
		return make_fresh(state, note);
	if (result == 0 && read_state(state, text, size, &what) < 0) {
		state_free(state);
		result = 2;
	}
	if (text)
		explicit_bzero(text, size);	/* the key */
	free(text);
	if (result == 0) {
		drop_future_times(state);
		return 0;
	}
	if (store_set_aside(directory, STATE_FILE, &aside) < 0)
		return reason_set(note, "%s", aside.text);
	if (make_fresh(state, note) < 0)
		return -1;
	reason_set(note, "the state file was set aside as %.40s and is made anew: %.300s",
		aside.text, what.text);
	return 1;
}

/* Writing. */

/* As read_copy() reads it: unlike json_add_text() it keeps an empty text one. */
static void add_copy(cJSON *json, const char *name, const char *text)
{
	if (text)
		(void)cJSON_AddStringToObject(json, name, text);
	else
		(void)cJSON_AddNullToObject(json, name);
}

static void add_time(cJSON *json, const char *name, time_t moment)
{
	(void)cJSON_AddNumberToObject(json, name, (double)moment);
}

static void add_interruption(cJSON *json, const struct known *known)
{
	cJSON *member = cJSON_AddObjectToObject(json, "interruption");

	add_copy(member, "lost", known->lost);
	add_time(member, "lost_from", known->lost_from);
	add_copy(member, "reason", known->interruption);
	add_time(member, "from", known->interrupted_from);
	add_time(member, "until", known->interrupted_until);
}

static void add_creating(cJSON *json, const struct known *known)
{
	cJSON *member = cJSON_AddObjectToObject(json, "creating");

	add_copy(member, "token", known->creating);
	add_time(member, "since", known->creating_since);
}

static void add_known(cJSON *list, const struct known *known)
{
	cJSON *json = cJSON_CreateObject();
	cJSON *old, *disabled;

	add_copy(json, "name", known->name);
	add_copy(json, "id", known->id);
	add_copy(json, "token", known->token);
	add_copy(json, "address", known->address);
	add_time(json, "asked_expires_in", known->asked_expires_in);
	add_time(json, "lifetime", known->lifetime);
	add_copy(json, "asked", known->asked);
	add_copy(json, "answered", known->answered);
	old = cJSON_AddArrayToObject(json, "old");
	for (size_t i = 0; i < known->old_count; i++)
		(void)cJSON_AddItemToArray(old, cJSON_CreateString(known->old[i]));
	disabled = cJSON_AddArrayToObject(json, "disabled");
	for (size_t i = 0; i < known->disabled_count; i++) {
		cJSON *one = cJSON_CreateObject();

		add_copy(one, "filter", known->disabled[i].filter);
		add_copy(one, "reason", known->disabled[i].reason);
		add_copy(one, "message", known->disabled[i].message);
		(void)cJSON_AddItemToArray(disabled, one);
	}
	add_time(json, "left_out", known->left_out);
	add_time(json, "tries", (time_t)known->tries);
	add_time(json, "next_try", known->next_try);
	add_creating(json, known);
	add_interruption(json, known);
	add_copy(json, "status", known->status);
	add_time(json, "expires_at", known->expires_at);
	add_time(json, "last_good", known->last_good);
	add_time(json, "failing_since", known->failing_since);
	add_copy(json, "error", known->error);
	add_copy(json, "code", known->code);
	add_time(json, "error_status", known->error_status);
	(void)cJSON_AddItemToArray(list, json);
}

static void add_told(cJSON *list, const struct told *told)
{
	cJSON *json = cJSON_CreateObject();

	add_copy(json, "key", told->key);
	add_time(json, "since", told->since);
	add_time(json, "at", told->at);
	(void)cJSON_AddBoolToObject(json, "failure", told->failure);
	(void)cJSON_AddItemToArray(list, json);
}

int state_save(const struct state *state, int directory, struct reason *why)
{
	cJSON *json = cJSON_CreateObject(), *list;
	char key[DIGEST_DIGITS + 1];
	char *text;
	int result;

	for (size_t i = 0; i < DIGEST_KEY_BYTES; i++)
		(void)snprintf(key + 2 * i, 3, "%02x", (unsigned)state->key[i]);
	add_time(json, "version", STATE_VERSION);
	add_copy(json, "key", key);
	add_copy(json, "owner", state->owner);
	add_time(json, "retry_until", state->retry_until);
	add_time(json, "last_good", state->last_good);
	list = cJSON_AddArrayToObject(json, "subscriptions");
	for (size_t i = 0; i < state->known_count; i++)
		add_known(list, &state->known[i]);
	list = cJSON_AddArrayToObject(json, "told");
	for (size_t i = 0; i < state->told_count; i++)
		add_told(list, &state->told[i]);
	text = cJSON_Print(json);
	cJSON_Delete(json);
	explicit_bzero(key, sizeof key);
	if (!text)
		return reason_set(why, "out of memory");
	result = store_write(directory, STATE_FILE, 0600, text, why);
	explicit_bzero(text, strlen(text));
	cJSON_free(text);
	return result;
}

/* In memory. */

static void free_disabled(struct known *known)
{
	for (size_t i = 0; i < known->disabled_count; i++) {
		free(known->disabled[i].filter);
		free(known->disabled[i].reason);
		free(known->disabled[i].message);
	}
	free(known->disabled);
	known->disabled = NULL;
	known->disabled_count = 0;
}

static void free_known(struct known *known)
{
	for (size_t i = 0; i < known->old_count; i++)
		free(known->old[i]);
	free(known->lost);
	free(known->interruption);
	free_disabled(known);
	free(known->old);
	free(known->id);
	free(known->status);
	free(known->error);
}

void state_free(struct state *state)
{
	free(state->owner);
	for (size_t i = 0; i < state->known_count; i++)
		free_known(&state->known[i]);
	for (size_t i = 0; i < state->told_count; i++)
		free(state->told[i].key);
	free(state->known);
	free(state->told);
	explicit_bzero(state->key, sizeof state->key);
	*state = (struct state){ 0 };
}

struct known *state_find(const struct state *state, const char *name)
{
	for (size_t i = 0; i < state->known_count; i++)
		if (strcmp(state->known[i].name, name) == 0)
			return &state->known[i];
	return NULL;
}

struct known *state_know(struct state *state, const char *name)
{
	struct known *known = state_find(state, name);
	struct known *grown;

	if (known)
		return known;
	grown = reallocarray(state->known, state->known_count + 1, sizeof *grown);
	if (!grown)
		return NULL;
	state->known = grown;
	known = &grown[state->known_count++];
	*known = (struct known){ 0 };
	(void)snprintf(known->name, sizeof known->name, "%s", name);
	return known;
}

const struct known *state_find_id(const struct state *state, const char *id)
{
	for (size_t i = 0; i < state->known_count; i++)
		if (state->known[i].id && strcmp(state->known[i].id, id) == 0)
			return &state->known[i];
	return NULL;
}

void state_forget(struct state *state, const char *name)
{
	struct known *known = state_find(state, name);
	size_t behind;

	if (!known)
		return;
	free_known(known);
	behind = state->known_count - 1 - (size_t)(known - state->known);
	memmove(known, known + 1, behind * sizeof *known);
	state->known_count--;
}

bool state_is_of_another(const struct state *state, const char *configuration)
{
	return state->owner && strcmp(state->owner, configuration) != 0
		&& access(state->owner, F_OK) == 0;
}

int known_set_text(char **member, const char *text)
{
	char *copy = text ? strdup(text) : NULL;

	if (text && !copy)
		return -1;
	free(*member);
	*member = copy;
	return 0;
}

int known_add_old(struct known *known, const char *id)
{
	char **grown;

	for (size_t i = 0; i < known->old_count; i++)
		if (strcmp(known->old[i], id) == 0)
			return 0;
	grown = reallocarray(known->old, known->old_count + 1, sizeof *grown);
	if (!grown)
		return -1;
	known->old = grown;
	grown[known->old_count] = strdup(id);
	if (!grown[known->old_count])
		return -1;
	known->old_count++;
	return 0;
}

void known_drop_old(struct known *known, const char *id)
{
	for (size_t i = 0; i < known->old_count; i++) {
		if (strcmp(known->old[i], id) != 0)
			continue;
		free(known->old[i]);
		known->old[i] = known->old[--known->old_count];
		return;
	}
}

int known_set_lost(struct known *known, time_t from, const char *what)
{
	if (known->lost)
		return 0;
	known->lost_from = from;
	return known_set_text(&known->lost, what);
}

int known_set_disabled(struct known *known, const struct record *record)
{
	free_disabled(known);
	if (record->disabled_count == 0)
		return 0;
	known->disabled = calloc(record->disabled_count, sizeof *known->disabled);
	if (!known->disabled)
		return -1;
	for (size_t i = 0; i < record->disabled_count; i++) {
		struct disabled_filter *copy = &known->disabled[known->disabled_count++];

		copy->filter = strdup(record->disabled[i].filter);
		copy->reason = strdup(record->disabled[i].reason);
		copy->message = strdup(record->disabled[i].message);
		if (!copy->filter || !copy->reason || !copy->message)
			return -1;
	}
	return 0;
}
