#include "figures.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

time_t figure_age(time_t now, time_t then)
{
	return now > then ? now - then : 0;
}

void figure_span(char out[FIGURE_SIZE], time_t seconds)
{
	static const struct {
		time_t below, unit;
		char letter;
	} units[] = { { 120, 1, 's' }, { 7200, 60, 'm' }, { 172800, 3600, 'h' } };
	const char *sign = seconds < 0 ? "-" : "";
	time_t length = seconds < 0 ? -seconds : seconds;

	for (size_t i = 0; i < sizeof units / sizeof units[0]; i++)
		if (length < units[i].below) {
			(void)snprintf(out, FIGURE_SIZE, "%s%" PRIdMAX "%c", sign,
				(intmax_t)(length / units[i].unit), units[i].letter);
			return;
		}
	(void)snprintf(out, FIGURE_SIZE, "%s%" PRIdMAX "d", sign, (intmax_t)(length / 86400));
}

void figure_bytes(char out[FIGURE_SIZE], uint64_t bytes)
{
	static const char *const units[] = { "kB", "MB", "GB", "TB", "PB", "EB" };
	uint64_t tenths = bytes / 100;	/* of a kB */
	size_t unit = 0;

	if (bytes < 1000) {
		(void)snprintf(out, FIGURE_SIZE, "%" PRIu64 " B", bytes);
		return;
	}
	for (; tenths >= 10000; unit++)
		tenths /= 1000;
	(void)snprintf(out, FIGURE_SIZE, "%" PRIu64 ".%" PRIu64 " %s", tenths / 10,
		tenths % 10, units[unit]);
}

void figure_count(char out[FIGURE_SIZE], uint64_t count)
{
	char digits[FIGURE_SIZE];
	size_t length = (size_t)snprintf(digits, sizeof digits, "%" PRIu64, count);
	size_t used = 0;

	for (size_t i = 0; i < length; i++) {
		if (i > 0 && (length - i) % 3 == 0)
			out[used++] = ',';
		out[used++] = digits[i];
	}
	out[used] = '\0';
}

void figure_time(char out[FIGURE_SIZE], time_t when)
{
	struct tm utc;

	if (!gmtime_r(&when, &utc)
	    || strftime(out, FIGURE_SIZE, "%Y-%m-%dT%H:%M:%SZ", &utc) == 0)
		strcpy(out, "?");
}
