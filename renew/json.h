/*
 * json: a JSON text from outside, parsed by cJSON with its gaps closed; and
 * members written the same way everywhere.
 *
 * cJSON accepts raw NUL bytes, cuts strings at an escaped one, and takes up
 * to forty times a text's size in memory: such texts are refused, and each
 * parse has a budget of memory.
 */
#ifndef RINGSPOOL_JSON_H
#define RINGSPOOL_JSON_H

#include <cjson/cJSON.h>
#include <stddef.h>
#include <time.h>

#include "reason.h"

/* Makes cJSON keep to the budget; once, before the first parse. */
void json_start(void);

/* Parses one JSON object with nothing behind it.  Returns NULL with *why
 * filled; free with cJSON_Delete(). */
cJSON *json_parse(const char *text, size_t size, struct reason *why);

/* The text of a member, or NULL where it is missing or of another type. */
const char *json_text(const cJSON *object, const char *name);

/* A whole number from 0 to `most`, or -1 where there is none. */
long long json_number(const cJSON *object, const char *name, long long most);

/* Adds a text, or null where it is NULL or empty. */
void json_add_text(cJSON *object, const char *name, const char *text);

/* Adds a moment in ISO 8601, or null for 0. */
void json_add_time(cJSON *object, const char *name, time_t moment);

#endif
