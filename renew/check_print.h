/*
 * check_print: the report of a check, for people and for programs.
 */
#ifndef RINGSPOOL_CHECK_PRINT_H
#define RINGSPOOL_CHECK_PRINT_H

#include <cjson/cJSON.h>
#include <stdio.h>

#include "check.h"

/* Prints a line a rule, aligned, and below what did not pass the remedy. */
void check_print(const struct check_report *report, FILE *out);

/* The report as an array of { "rule", "outcome", "measured", "sub_code",
 * "remedy" }: outcome is pass, warn, fail or skipped, the last two are null
 * where there is nothing to say.  NULL when memory ran out; free with
 * cJSON_Delete(). */
cJSON *check_to_json(const struct check_report *report);

#endif
