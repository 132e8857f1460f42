/*
 * The subcommand report: a status page in one file, for a web server to hand
 * out or a browser to open.  It shows numbers, words of ours and what the
 * administrator named; no contents of events, and nothing that says whom they
 * are about.
 */
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "figures.h"
#include "html.h"
#include "output.h"
#include "svg.h"
#include "text.h"
#include "tool.h"
#include "verdict.h"

struct report {
	const char *file;		/* -o; NULL: standard output */
	const char *status;		/* --status */
	const char *title;
	bool quick;			/* leave out what wants reading each event */
	struct survey *survey;
	struct renewal renewal;
	FILE *out;
	enum level level;		/* the worst, or the one to be listed */
};

enum { WORD_SHOWN = 20 };	/* letters of one, before a line may end */

/* Scripts, pictures, frames and forms from anywhere are refused by the page
 * itself: whatever text got into it, it stays text. */
static const char head[] =
	"<meta charset=\"utf-8\">\n"
	"<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none';"
	" style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'\">\n"
	"<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
	"<meta name=\"color-scheme\" content=\"light dark\">\n"
	"<meta name=\"robots\" content=\"noindex\">\n"
	"<meta name=\"referrer\" content=\"no-referrer\">\n";

static const char style[] =
	"<style>\n"
	":root{color-scheme:light dark;--ground:#fff;--panel:#f4f6f8;--ink:#1c2126;"
	"--soft:#55606b;--line:#d5dbe1;--bar:#1a63c9;--ok:#14692f;--warning:#7d4e00;"
	"--critical:#b01020;--unknown:#5b4a9c}\n"
	"@media(prefers-color-scheme:dark){:root{--ground:#14171a;--panel:#1e2327;"
	"--ink:#e8ebee;--soft:#a5b0ba;--line:#39424a;--bar:#74aaf5;--ok:#6fce8a;"
	"--warning:#f0b64c;--critical:#ff8a8a;--unknown:#b9a8f5}}\n"
	"*{box-sizing:border-box}\n"
	"body{margin:0 auto;max-width:60rem;padding:1rem;background:var(--ground);"
	"color:var(--ink);font:1rem/1.45 system-ui,sans-serif;overflow-wrap:break-word}\n"
	"h1{font-size:1.4rem;margin:.2rem 0}\n"
	"h2{font-size:1.1rem;margin:2rem 0 .6rem}\n"
	"p{margin:.3rem 0}.soft,figcaption,footer{color:var(--soft);font-size:.9rem}\n"
	".verdict{border-left:.4rem solid;background:var(--panel);padding:.7rem .9rem;"
	"margin:1rem 0}\n"
	".verdict strong{font-size:1.15rem}.verdict ul{margin:.4rem 0 0;padding-left:1.2rem;"
	"color:var(--ink)}\n"
	".ok{color:var(--ok)}.warning{color:var(--warning)}.critical{color:var(--critical)}"
	".unknown{color:var(--unknown)}\n"
	".figures{display:grid;grid-template-columns:repeat(auto-fit,minmax(8.5rem,1fr));"
	"gap:.7rem;margin:0}\n"
	".figures div{background:var(--panel);padding:.6rem .8rem;display:flex;"
	"flex-direction:column-reverse;justify-content:flex-end}\n"
	".figures dt{color:var(--soft);font-size:.9rem}\n"
	".figures dd{margin:0;font-size:1.6rem;font-weight:600;line-height:1.2}\n"
	"figure{margin:0;max-width:38rem}svg{display:block;width:100%;height:auto}\n"
	".bar{fill:var(--bar)}.grid{stroke:var(--line)}"
	".label{fill:var(--soft);font:12px system-ui,sans-serif}\n"
	"table{border-collapse:collapse;width:100%}\n"
	"th,td{padding:.4rem .5rem;text-align:left;vertical-align:top;"
	"border-bottom:1px solid var(--line)}\n"
	"thead th{color:var(--soft);font-size:.9rem;font-weight:600}\n"
	"tbody th{font-weight:600}tbody th code{font-weight:400}"
	"time span{white-space:nowrap}\n"
	".loose{overflow-wrap:anywhere;min-width:6rem}\n"
	".number{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}\n"
	"th:first-child,td:first-child{padding-left:0}th:last-child,td:last-child"
	"{padding-right:0}\n"
	"details{margin:.6rem 0}summary{cursor:pointer;color:var(--soft)}\n"
	"code{font-family:ui-monospace,monospace;font-size:.92em}\n"
	"footer{margin-top:2.5rem;border-top:1px solid var(--line);padding-top:.6rem}\n"
	"@media print{body{max-width:none}}\n"
	"</style>\n";

static const char *class_of(enum level level)
{
	static const char *const names[] = { "ok", "warning", "critical", "unknown" };

	return names[level];
}

/* 2026-11-24 22:36 UTC, also for machines. */
static void put_time(FILE *out, time_t when)
{
	char text[FIGURE_SIZE];

	figure_time(text, when);
	fprintf(out, "<time datetime=\"%s\"><span>%.10s</span> %.5s UTC</time>",
		text, text, text + 11);
}

static void put_ago(FILE *out, time_t now, time_t when)
{
	char span[FIGURE_SIZE];

	figure_span(span, figure_age(now, when));
	fprintf(out, "%s ago", span);
}

/* A family in parts that a narrow window may put below each other. */
static void put_family(FILE *out, const char *family)
{
	char part[FAMILY_SIZE];

	fputs("<code>", out);
	while (*family) {
		size_t length = strcspn(family, "/?&");

		length = length < WORD_SHOWN ? length + (family[length] != '\0') : WORD_SHOWN;
		(void)snprintf(part, sizeof part, "%.*s", (int)length, family);
		html_text(out, part);
		fputs("<wbr>", out);
		family += length;
	}
	fputs("</code>", out);
}

static void put_count(FILE *out, uint64_t number)
{
	char text[FIGURE_SIZE];

	figure_count(text, number);
	fputs(text, out);
}

static void begin_table(FILE *out, const char *label, const char *const *columns,
	size_t first_number)
{
	fprintf(out, "<table aria-label=\"%s\">\n<thead><tr>", label);
	for (size_t i = 0; columns[i]; i++)
		fprintf(out, "<th scope=\"col\"%s>%s</th>",
			i >= first_number ? " class=\"number\"" : "", columns[i]);
	fputs("</tr></thead>\n<tbody>\n", out);
}

static void end_table(FILE *out)
{
	fputs("</tbody>\n</table>\n", out);
}

static void note_level(void *context, const struct finding *finding)
{
	struct report *report = context;

	report->level = level_worse(report->level, finding->level);
}

static void put_trouble(void *context, const struct finding *finding)
{
	struct report *report = context;

	if (finding->level != report->level)
		return;
	fprintf(report->out, "<li><span class=\"%s\">%s</span>: ",
		class_of(finding->level), level_name(finding->level));
	html_text_masked(report->out, finding->text);
	fputs("</li>\n", report->out);
}

/* The worst first. */
static void put_troubles(struct report *report, const struct config *config,
	const struct limits *limits)
{
	static const enum level levels[] = { LEVEL_CRITICAL, LEVEL_WARNING, LEVEL_UNKNOWN };

	fputs("<ul>\n", report->out);
	for (size_t i = 0; i < sizeof levels / sizeof levels[0]; i++) {
		report->level = levels[i];
		verdict_judge(limits, config, report->survey, &report->renewal,
			put_trouble, report);
	}
	fputs("</ul>\n", report->out);
}

static void put_verdict(struct report *report, const struct config *config)
{
	struct limits limits;

	report->level = LEVEL_OK;
	limits_set_defaults(&limits, config);
	verdict_judge(&limits, config, report->survey, &report->renewal, note_level, report);
	fprintf(report->out, "<div class=\"verdict %s\"><strong>%s</strong>\n",
		class_of(report->level), report->level == LEVEL_OK ? "All is well"
		: report->level == LEVEL_CRITICAL ? "Something is wrong"
		: "Something wants a look");
	if (report->level != LEVEL_OK)
		put_troubles(report, config, &limits);
	fputs("</div>\n", report->out);
}

static void put_figure(FILE *out, const char *what, const char *value)
{
	fprintf(out, "<div><dt>%s</dt><dd>%s</dd></div>\n", what, value);
}

static void put_figures(const struct report *report)
{
	const struct survey *survey = report->survey;
	time_t oldest = survey_oldest(survey);
	char text[FIGURE_SIZE] = "none";

	fputs("<dl class=\"figures\">\n", report->out);
	figure_count(text, survey->states[STATE_WAITING].events);
	put_figure(report->out, "events wait", text);
	strcpy(text, "none");		/* fits */
	if (oldest)
		figure_span(text, figure_age(survey->now, oldest));
	put_figure(report->out, "the oldest waits", text);
	figure_count(text, survey->states[STATE_RETRYING].events);
	put_figure(report->out, "to be tried again", text);
	figure_count(text, survey->states[STATE_FAILED].events);
	put_figure(report->out, "failed", text);
	figure_count(text, survey->arrivals.hour);
	put_figure(report->out, "arrived in the last hour", text);
	figure_count(text, survey->arrivals.day);
	put_figure(report->out, "arrived in the last day", text);
	fputs("</dl>\n", report->out);
}

static void put_hours(const struct report *report)
{
	static const char *const columns[] = { "Hour (UTC)", "Events", NULL };
	const struct survey *survey = report->survey;

	fputs("<details><summary>The same as a table</summary>\n", report->out);
	begin_table(report->out, "Arrivals by hour", columns, 1);
	for (unsigned i = 0; i < survey->arrival_hours; i++) {
		fputs("<tr><th scope=\"row\">", report->out);
		put_time(report->out, (survey->now / 3600 - (time_t)i) * 3600);
		fputs("</th><td class=\"number\">", report->out);
		put_count(report->out, survey->hourly[i]);
		fputs("</td></tr>\n", report->out);
	}
	end_table(report->out);
	fputs("</details>\n", report->out);
}

static void put_arrivals(const struct report *report)
{
	fputs("<section aria-labelledby=\"arrivals\"><h2 id=\"arrivals\">Arrivals</h2>\n"
		"<figure>\n", report->out);
	svg_arrivals(report->out, report->survey->hourly, report->survey->arrival_hours,
		report->survey->now);
	fputs("<figcaption>Events by hour, with those that were taken since."
		"</figcaption>\n</figure>\n", report->out);
	put_hours(report);
	fputs("</section>\n", report->out);
}

static void put_tally(FILE *out, const struct tally *tally, time_t now)
{
	char bytes[FIGURE_SIZE], span[FIGURE_SIZE] = "&ndash;";

	figure_bytes(bytes, tally->bytes);
	if (tally->events > 0)
		figure_span(span, figure_age(now, tally->oldest));
	fputs("<td class=\"number\">", out);
	put_count(out, tally->events);
	fprintf(out, "</td><td class=\"number\">%s</td><td class=\"number\">%s</td></tr>\n",
		bytes, span);
}

static void put_states(const struct report *report)
{
	static const char *const columns[] = { "State", "Events", "Size", "Oldest", NULL };
	const struct survey *survey = report->survey;

	fputs("<section aria-labelledby=\"states\"><h2 id=\"states\">In the spool</h2>\n",
		report->out);
	begin_table(report->out, "Events by state", columns, 1);
	for (int i = 0; i < STATE_COUNT; i++) {
		fprintf(report->out, "<tr><th scope=\"row\">%s</th>",
			entry_state_name((enum entry_state)i));
		put_tally(report->out, &survey->states[i], survey->now);
	}
	end_table(report->out);
	fputs("</section>\n", report->out);
}

/* A family over all states. */
static struct tally sum_states(const struct family_tally *family)
{
	struct tally sum = { .events = 0 };

	for (int i = 0; i < STATE_COUNT; i++) {
		const struct tally *one = &family->states[i];

		sum.events += one->events;
		sum.bytes += one->bytes;
		if (one->events > 0 && (sum.oldest == 0 || one->oldest < sum.oldest))
			sum.oldest = one->oldest;
	}
	return sum;
}

static void put_families(const struct report *report)
{
	static const char *const columns[] = { "Event", "Events", "Size", "Oldest", NULL };
	const struct survey *survey = report->survey;

	if (survey->family_count == 0)
		return;
	fputs("<section aria-labelledby=\"families\"><h2 id=\"families\">Kinds of events"
		"</h2>\n<p class=\"soft\">All states; <code>~</code> stands for an id.</p>\n",
		report->out);
	begin_table(report->out, "Events by kind", columns, 1);
	for (size_t i = 0; i < survey->family_count; i++) {
		struct tally sum = sum_states(&survey->families[i]);

		fputs("<tr><th scope=\"row\">", report->out);
		put_family(report->out, survey->families[i].family);
		fputs("</th>", report->out);
		put_tally(report->out, &sum, survey->now);
	}
	end_table(report->out);
	fputs("</section>\n", report->out);
}

static void put_failure(const struct report *report, const struct failure_tally *failure)
{
	fputs("<tr><th scope=\"row\"><code>", report->out);
	html_text(report->out, failure->reason);
	fputs("</code></th><td>", report->out);
	put_family(report->out, failure->family);
	fputs("</td><td class=\"number\">", report->out);
	put_count(report->out, failure->events);
	fputs("</td><td class=\"number\">", report->out);
	put_ago(report->out, report->survey->now, failure->last);
	fputs("</td></tr>\n", report->out);
}

static void put_failures(const struct report *report)
{
	static const char *const columns[] = { "Reason", "Event", "Events", "Last", NULL };
	const struct survey *survey = report->survey;

	fputs("<section aria-labelledby=\"failures\"><h2 id=\"failures\">Failures</h2>\n",
		report->out);
	if (survey->failure_count == 0) {
		fputs("<p>No event failed.</p>\n</section>\n", report->out);
		return;
	}
	begin_table(report->out, "Failures by reason", columns, 2);
	for (size_t i = 0; i < survey->failure_count; i++)
		put_failure(report, &survey->failures[i]);
	end_table(report->out);
	fputs("<p class=\"soft\"><code>ringspool list --state failed</code> names them.</p>\n"
		"</section>\n", report->out);
}

static void put_expiry(const struct report *report, time_t expires)
{
	char span[FIGURE_SIZE];
	time_t left = expires - report->survey->now;

	if (expires == 0) {
		fputs("unknown", report->out);
		return;
	}
	figure_span(span, left < 0 ? -left : left);
	fprintf(report->out, left < 0 ? "%s ago, " : "in %s, ", span);
	put_time(report->out, expires);
}

static void put_subscription(const struct report *report,
	const struct subscription *subscription)
{
	bool active = subscription_is_active(subscription);
	char status[WORD_SHOWN];

	text_plain(status, sizeof status, subscription->status[0] ? subscription->status
		: "not there");
	fputs("<tr><th scope=\"row\" class=\"loose\">", report->out);
	html_text_masked(report->out, subscription->name);
	fprintf(report->out, "</th><td class=\"%s\">", active ? "ok" : "critical");
	html_text_masked(report->out, status);
	fputs("</td><td>", report->out);
	put_expiry(report, subscription->expires);
	fputs("</td></tr>\n", report->out);
}

static void put_subscriptions(const struct report *report)
{
	static const char *const columns[] = { "Name", "Status", "Ends", NULL };
	const struct renewal *renewal = &report->renewal;

	if (!renewal->present && renewal->declared == 0)
		return;
	fputs("<section aria-labelledby=\"subscriptions\"><h2 id=\"subscriptions\">"
		"Subscriptions</h2>\n", report->out);
	if (renewal->count > 0) {
		begin_table(report->out, "Subscriptions", columns, 3);
		for (size_t i = 0; i < renewal->count; i++)
			put_subscription(report, &renewal->subscriptions[i]);
		end_table(report->out);
	}
	fputs("<p class=\"soft\">Last good renewal run: ", report->out);
	if (renewal->last_good) {
		put_ago(report->out, report->survey->now, renewal->last_good);
		fputs(", ", report->out);
		put_time(report->out, renewal->last_good);
	} else {
		fputs("none yet", report->out);
	}
	fputs(".</p>\n</section>\n", report->out);
}

static void put_footer(const struct report *report, const struct config *config)
{
	static const char *const names[SPOOLS] = { "spool", "fallback spool" };
	char free[FIGURE_SIZE], total[FIGURE_SIZE];

	fputs("<footer>\n", report->out);
	for (int i = 0; i < (config->fallback_spool[0] ? 2 : 1); i++) {
		if (!report->survey->space[i].open)
			continue;
		figure_bytes(free, report->survey->space[i].free);
		figure_bytes(total, report->survey->space[i].total);
		fprintf(report->out, "<p>Free in the %s: %s of %s.</p>\n", names[i], free,
			total);
	}
	fputs("<p>Written by ringspool " RINGSPOOL_VERSION "; times are UTC.</p>\n"
		"</footer>\n", report->out);
}

static void put_page(struct report *report, const struct config *config)
{
	FILE *out = report->out;

	fprintf(out, "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n%s<title>", head);
	html_text(out, report->title);
	fprintf(out, "</title>\n%s</head>\n<body>\n<header>\n<h1>", style);
	html_text(out, report->title);
	fputs("</h1>\n<p class=\"soft\">As of ", out);
	put_time(out, report->survey->now);
	fputs("</p>\n</header>\n<main>\n", out);
	put_verdict(report, config);
	put_figures(report);
	put_arrivals(report);
	put_states(report);
	put_failures(report);
	put_subscriptions(report);
	put_families(report);
	fputs("</main>\n", out);
	put_footer(report, config);
	fputs("</body>\n</html>\n", out);
}

static int write_page(struct report *report, const struct config *config,
	struct reason *why)
{
	struct output output;

	if (output_begin(&output, report->file, why) < 0)
		return -1;
	report->out = output.file;
	put_page(report, config);
	return output_commit(&output, why);
}

/* Collects and writes; -1 with *why filled. */
static int make(struct tool *tool, struct report *report, struct reason *why)
{
	unsigned what = SURVEY_ARRIVALS | SURVEY_FAILURES
		| (report->quick ? 0 : SURVEY_FAMILIES);
	int result = survey_take(report->survey, &tool->spools, what, why);

	if (result < 0)
		return -1;
	(void)renewal_read(&report->renewal, tool->config.file, report->status, why);
	result = write_page(report, &tool->config, why);
	renewal_free(&report->renewal);
	return result;
}

/* A spool that cannot be opened, or a status.json that makes no sense, is what
 * the page has to show, not a reason to leave the old one there. */
static int report_on(struct tool *tool, struct report *report)
{
	struct reason why;
	int status = EX_OK;

	report->survey = malloc(sizeof *report->survey);
	if (!report->survey)
		return tool_complain("report", EX_OSERR, "out of memory");
	if (spools_open(&tool->spools, &tool->config, &why) != 0)
		status = tool_complain("report", EX_UNAVAILABLE, why.text);
	if (make(tool, report, &why) < 0)
		status = tool_complain("report", EX_IOERR, why.text);
	free(report->survey);
	return status;
}

static int usage(int status)
{
	fprintf(status ? stderr : stdout, "usage: ringspool report [-o FILE] [--quick]"
		" [--status FILE] [--title TEXT]\n");
	return status;
}

static void set_default_title(char *title, size_t size)
{
	char host[256] = "";

	if (gethostname(host, sizeof host - 1) < 0)
		host[0] = '\0';
	(void)snprintf(title, size, "ringspool%s%s", host[0] ? " on " : "", host);
}

enum { OPTION_QUICK = 0x200, OPTION_STATUS, OPTION_TITLE };

static const struct option options[] = {
	{ "output", required_argument, NULL, 'o' },
	{ "quick", no_argument, NULL, OPTION_QUICK },
	{ "status", required_argument, NULL, OPTION_STATUS },
	{ "title", required_argument, NULL, OPTION_TITLE },
	{ "help", no_argument, NULL, 'h' },
	{ NULL, 0, NULL, 0 }
};

int command_report(struct tool *tool, int argc, char **argv)
{
	char title[300];
	struct report report = { .title = title };
	int option;

	set_default_title(title, sizeof title);
	while ((option = getopt_long(argc, argv, "o:h", options, NULL)) != -1) {
		switch (option) {
		case 'o':
			report.file = optarg;
			break;
		case OPTION_QUICK:
			report.quick = true;
			break;
		case OPTION_STATUS:
			report.status = optarg;
			break;
		case OPTION_TITLE:
			report.title = optarg;
			break;
		case 'h':
			return usage(EX_OK);
		default:
			return usage(EX_USAGE);
		}
	}
	return optind < argc ? usage(EX_USAGE) : report_on(tool, &report);
}
