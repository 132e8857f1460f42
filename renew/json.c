#include "json.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "times.h"

/* Thirty subscriptions of 2,000 filters each take some 50 MiB. */
#define PARSER_BUDGET ((size_t)512 << 20)

/* cJSON's hooks know no context: hence a variable. */
static _Thread_local size_t budget = PARSER_BUDGET;

static void *allocate_within_budget(size_t size)
{
	if (size > budget)
		return NULL;
	budget -= size;
	return malloc(size);
}

void json_start(void)
{
	cJSON_Hooks hooks = { .malloc_fn = allocate_within_budget, .free_fn = free };

	cJSON_InitHooks(&hooks);
}

static bool is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

cJSON *json_parse(const char *text, size_t size, struct reason *why)
{
	const char *end = NULL;
	cJSON *root;

	if (memchr(text, '\0', size) || memmem(text, size, "\\u0000", 6)) {
		reason_set(why, "holds a NUL");
		return NULL;
	}
	budget = PARSER_BUDGET;
	root = cJSON_ParseWithLengthOpts(text, size, &end, 0);
	budget = PARSER_BUDGET;
	while (root && end < text + size && is_space(*end))
		end++;
	if (!root || !cJSON_IsObject(root) || end != text + size) {
		reason_set(why, "is not one JSON object");
		cJSON_Delete(root);
		return NULL;
	}
	return root;
}

const char *json_text(const cJSON *object, const char *name)
{
	return cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(object, name));
}

long long json_number(const cJSON *object, const char *name, long long most)
{
	const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, name);

	if (!cJSON_IsNumber(item) || !(item->valuedouble >= 0)
	    || item->valuedouble > (double)most)
		return -1;
	return (long long)item->valuedouble;
}

void json_add_text(cJSON *object, const char *name, const char *text)
{
	if (text && text[0])
		(void)cJSON_AddStringToObject(object, name, text);
	else
		(void)cJSON_AddNullToObject(object, name);
}

void json_add_time(cJSON *object, const char *name, time_t moment)
{
	char text[TIME_TEXT] = "";

	if (moment > 0)
		time_format(moment, text);
	json_add_text(object, name, text);
}
