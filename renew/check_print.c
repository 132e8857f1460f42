#include "check_print.h"

#include <stdbool.h>

static const char *outcome_name(enum check_outcome outcome)
{
	switch (outcome) {
	case CHECK_PASS:
		return "pass";
	case CHECK_WARN:
		return "warn";
	case CHECK_FAIL:
		return "fail";
	default:
		return "skipped";
	}
}

void check_print(const struct check_report *report, FILE *out)
{
	for (size_t i = 0; i < report->count; i++) {
		const struct check_line *line = &report->lines[i];

		fprintf(out, "%-8s %-18s  %s", outcome_name(line->outcome), line->rule,
			line->measured);
		if (line->sub_code)
			fprintf(out, " [%s]", line->sub_code);
		fputc('\n', out);
		if (line->remedy[0])
			fprintf(out, "%-8s %s\n", "", line->remedy);
	}
}

/* A text, or null for an empty one. */
static bool add_text(cJSON *object, const char *name, const char *text)
{
	return text && text[0] ? cJSON_AddStringToObject(object, name, text) != NULL
		: cJSON_AddNullToObject(object, name) != NULL;
}

static bool fill(cJSON *object, const struct check_line *line)
{
	return add_text(object, "rule", line->rule)
		&& add_text(object, "outcome", outcome_name(line->outcome))
		&& add_text(object, "measured", line->measured)
		&& add_text(object, "sub_code", line->sub_code)
		&& add_text(object, "remedy", line->remedy);
}

cJSON *check_to_json(const struct check_report *report)
{
	cJSON *array = cJSON_CreateArray();

	for (size_t i = 0; i < report->count; i++) {
		cJSON *object = cJSON_CreateObject();

		if (!cJSON_AddItemToArray(array, object) || !fill(object, &report->lines[i])) {
			cJSON_Delete(array);
			return NULL;
		}
	}
	return array;
}
