#include "times.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The number that `digits` digits at *at make; -1 where others stand. */
static int take_number(const char **at, int digits)
{
	int number = 0;

	for (; digits > 0; digits--, (*at)++) {
		if (!isdigit((unsigned char)**at))
			return -1;
		number = number * 10 + (**at - '0');
	}
	return number;
}

static bool take_char(const char **at, char wanted)
{
	if (**at != wanted)
		return false;
	(*at)++;
	return true;
}

/* Z, +hh:mm or +hhmm, and nothing behind it. */
static bool take_zone(const char *at, int *seconds_east)
{
	int sign = *at == '-' ? -1 : 1;
	int hours, minutes;

	*seconds_east = 0;
	if (*at == 'Z')
		return at[1] == '\0';
	if (*at != '+' && *at != '-')
		return false;
	at++;
	hours = take_number(&at, 2);
	(void)take_char(&at, ':');
	minutes = take_number(&at, 2);
	*seconds_east = sign * (hours * 3600 + minutes * 60);
	return hours >= 0 && hours < 24 && minutes >= 0 && minutes < 60 && *at == '\0';
}

bool time_parse(const char *text, time_t *moment)
{
	struct tm utc = { 0 };
	const char *at = text;
	int zone;

	utc.tm_year = take_number(&at, 4) - 1900;
	if (utc.tm_year < 0 || !take_char(&at, '-'))
		return false;
	utc.tm_mon = take_number(&at, 2) - 1;
	if (utc.tm_mon < 0 || utc.tm_mon > 11 || !take_char(&at, '-'))
		return false;
	utc.tm_mday = take_number(&at, 2);
	if (utc.tm_mday < 1 || utc.tm_mday > 31 || !take_char(&at, 'T'))
		return false;
	utc.tm_hour = take_number(&at, 2);
	if (utc.tm_hour < 0 || utc.tm_hour > 23 || !take_char(&at, ':'))
		return false;
	utc.tm_min = take_number(&at, 2);
	if (utc.tm_min < 0 || utc.tm_min > 59 || !take_char(&at, ':'))
		return false;
	utc.tm_sec = take_number(&at, 2);
	if (utc.tm_sec < 0 || utc.tm_sec > 60)
		return false;
	if (take_char(&at, '.'))
		at += strspn(at, "0123456789");
	if (!take_zone(at, &zone))
		return false;
	*moment = timegm(&utc) - zone;
	return true;
}

void time_format(time_t moment, char out[TIME_TEXT])
{
	struct tm utc;

	if (!gmtime_r(&moment, &utc)
	    || strftime(out, TIME_TEXT, "%Y-%m-%dT%H:%M:%SZ", &utc) == 0)
		strcpy(out, "unknown");		/* a clock beyond all measure */
}

void time_format_span(time_t seconds, char out[TIME_TEXT])
{
	const char *ago = seconds < 0 ? " ago" : "";
	long long span = llabs((long long)seconds);
	long long days = span / 86400, hours = span % 86400 / 3600, minutes = span % 3600 / 60;

	if (days > 0 && hours > 0)
		(void)snprintf(out, TIME_TEXT, "%lld day%s %lld h%s", days,
			days == 1 ? "" : "s", hours, ago);
	else if (days > 0)
		(void)snprintf(out, TIME_TEXT, "%lld day%s%s", days,
			days == 1 ? "" : "s", ago);
	else if (hours > 0)
		(void)snprintf(out, TIME_TEXT, "%lld h %lld min%s", hours, minutes, ago);
	else if (minutes > 0)
		(void)snprintf(out, TIME_TEXT, "%lld min%s", minutes, ago);
	else
		(void)snprintf(out, TIME_TEXT, "%lld s%s", span, ago);
}
