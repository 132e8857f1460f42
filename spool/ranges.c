#include "ranges.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The seconds that a unit of time stands for; 0 where it is none. */
static double unit_factor(char unit)
{
	static const char units[] = "smhdw";
	static const double factors[] = { 1, 60, 3600, 86400, 604800 };
	const char *found = unit ? strchr(units, unit) : NULL;

	return found ? factors[found - units] : 0;
}

/* Reads a number, and its unit, at *at and steps over it. */
static bool take_number(const char **at, enum range_kind kind, double *number)
{
	size_t length = strspn(*at + (**at == '-'), "0123456789.") + (**at == '-');
	char digits[24] = "", *end;

	if (length >= sizeof digits)
		return false;
	memcpy(digits, *at, length);
	*number = strtod(digits, &end);
	if (end == digits || *end)
		return false;
	*at += length;
	if (kind == RANGE_TIME && unit_factor(**at) > 0)
		*number *= unit_factor(*(*at)++);
	return true;
}

/* START:END, START:, :END or END. */
static bool take_ends(struct range *range, const char *at, enum range_kind kind)
{
	const char *colon = strchr(at, ':');

	if (!colon)
		return take_number(&at, kind, &range->end) && *at == '\0';
	if (at[0] == '~' && at + 1 == colon)
		range->from_below = true;
	else if (at != colon && !(take_number(&at, kind, &range->start) && at == colon))
		return false;
	at = colon + 1;
	if (*at == '\0') {
		range->endless = true;
		return true;
	}
	return take_number(&at, kind, &range->end) && *at == '\0';
}

int range_parse(struct range *range, const char *text, enum range_kind kind,
	struct reason *why)
{
	const char *at = text;

	*range = (struct range){ .inside = *at == '@' };
	at += range->inside;
	if (*at == '\0' || strcmp(at, ":") == 0 || !take_ends(range, at, kind)
	    || (!range->endless && !range->from_below && range->start > range->end))
		return reason_set(why, "no range such as 10, 10:, ~:10, 10:20 or @10:20%s:"
			" %.40s", kind == RANGE_TIME ? " (with s, m, h, d or w)" : "", text);
	return 0;
}

bool range_alerts(const struct range *range, double value)
{
	bool within = (range->from_below || value >= range->start)
		&& (range->endless || value <= range->end);

	return !range->none && within == range->inside;
}

void range_format(const struct range *range, char out[RANGE_TEXT])
{
	char start[RANGE_TEXT / 2 - 2] = "", end[RANGE_TEXT / 2 - 2] = "";

	out[0] = '\0';
	if (range->none)
		return;
	if (range->from_below)
		strcpy(start, "~:");
	else if (fpclassify(range->start) != FP_ZERO || range->endless)
		(void)snprintf(start, sizeof start, "%.15g:", range->start);
	if (!range->endless)
		(void)snprintf(end, sizeof end, "%.15g", range->end);
	(void)snprintf(out, RANGE_TEXT, "%s%s%s", range->inside ? "@" : "", start, end);
}
