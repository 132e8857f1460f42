#include "svg.h"

#include <inttypes.h>

#include "figures.h"

/* In units of the picture; type of 12 is legible on a telephone and on a wide
 * window alike. */
enum {
	WIDTH = 420, HEIGHT = 190,
	LEFT = 52, RIGHT = 8, TOP = 10, BOTTOM = 24,
	PLOT_WIDTH = WIDTH - LEFT - RIGHT,
	PLOT_HEIGHT = HEIGHT - TOP - BOTTOM
};

static const double BAR_MIN = 1.5;

uint64_t svg_ceiling(uint64_t most)
{
	static const uint64_t steps[] = { 10, 20, 40, 60 };
	uint64_t factor = 1;

	if (most <= 2)
		return 2;
	if (most <= 4)
		return 4;
	if (most <= 6)
		return 6;
	for (; factor < UINT64_MAX / 1000; factor *= 10)
		for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++)
			if (most <= steps[i] * factor)
				return steps[i] * factor;
	return most;
}

double svg_height(uint64_t value, uint64_t ceiling, double plot)
{
	double height = plot * (double)value / (double)ceiling;

	if (value == 0)
		return 0;
	return height < BAR_MIN ? BAR_MIN : height > plot ? plot : height;
}

static uint64_t most_of(const uint64_t *hourly, size_t hours, uint64_t *sum)
{
	uint64_t most = 0;

	*sum = 0;
	for (size_t i = 0; i < hours; i++) {
		*sum += hourly[i];
		if (hourly[i] > most)
			most = hourly[i];
	}
	return most;
}

/* A horizontal line and what it stands for. */
static void draw_level(FILE *out, uint64_t value, uint64_t ceiling)
{
	double y = TOP + PLOT_HEIGHT - PLOT_HEIGHT * (double)value / (double)ceiling;
	char count[FIGURE_SIZE];

	figure_count(count, value);
	fprintf(out, "<line class=\"grid\" x1=\"%d\" x2=\"%d\" y1=\"%.1f\" y2=\"%.1f\"/>"
		"<text class=\"label\" x=\"%d\" y=\"%.1f\" text-anchor=\"end\">%s</text>\n",
		LEFT, WIDTH - RIGHT, y, y, LEFT - 6, y + 4, count);
}

/* The days below the bars. */
static void draw_days(FILE *out, size_t hours)
{
	for (size_t ago = 24; ago <= hours; ago += 24) {
		double x = WIDTH - RIGHT - PLOT_WIDTH * (double)ago / (double)hours;

		fprintf(out, "<line class=\"grid\" x1=\"%.1f\" x2=\"%.1f\" y1=\"%d\""
			" y2=\"%d\"/><text class=\"label\" x=\"%.1f\" y=\"%d\""
			" text-anchor=\"%s\">%zu h ago</text>\n", x, x, TOP,
			HEIGHT - BOTTOM + 5, x, HEIGHT - 6,
			ago == hours ? "start" : "middle", ago);
	}
	fprintf(out, "<text class=\"label\" x=\"%d\" y=\"%d\" text-anchor=\"end\">now"
		"</text>\n", WIDTH - RIGHT, HEIGHT - 6);
}

static void draw_bar(FILE *out, const uint64_t *hourly, size_t hours, size_t which,
	uint64_t ceiling, time_t now)
{
	double step = (double)PLOT_WIDTH / (double)hours;
	double height = svg_height(hourly[which], ceiling, PLOT_HEIGHT);
	char from[FIGURE_SIZE], count[FIGURE_SIZE];

	figure_time(from, (now / 3600 - (time_t)which) * 3600);
	figure_count(count, hourly[which]);
	fprintf(out, "<rect class=\"bar\" x=\"%.2f\" y=\"%.1f\" width=\"%.2f\""
		" height=\"%.1f\"><title>%.13s h: %s</title></rect>\n",
		WIDTH - RIGHT - step * (double)(which + 1) + 0.5,
		TOP + PLOT_HEIGHT - height, step - 1, height, from, count);
}

void svg_arrivals(FILE *out, const uint64_t *hourly, size_t hours, time_t now)
{
	uint64_t sum, most = most_of(hourly, hours, &sum);
	uint64_t ceiling = svg_ceiling(most);
	char total[FIGURE_SIZE], busiest[FIGURE_SIZE], latest[FIGURE_SIZE];

	figure_count(total, sum);
	figure_count(busiest, most);
	figure_count(latest, hourly[0]);
	fprintf(out, "<svg viewBox=\"0 0 %d %d\" role=\"img\""
		" aria-labelledby=\"arrivals-title arrivals-desc\">\n"
		"<title id=\"arrivals-title\">Events that arrived, by hour</title>\n"
		"<desc id=\"arrivals-desc\">%s events in the last %zu hours; %s in the"
		" busiest hour, %s so far in the present one.</desc>\n",
		WIDTH, HEIGHT, total, hours, busiest, latest);
	for (uint64_t i = 0; i <= 2; i++)
		draw_level(out, ceiling / 2 * i, ceiling);
	draw_days(out, hours);
	for (size_t i = 0; i < hours; i++)
		if (hourly[i] > 0)
			draw_bar(out, hourly, hours, i, ceiling, now);
	fputs("</svg>\n", out);
}
