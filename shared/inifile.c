#include "inifile.h"

#include <errno.h>
#include <ini.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

enum {
	LINE_MAX_BYTES = 4000,
	SECTION_MAX_BYTES = 49	/* libinih's MAX_SECTION, less the NUL */
};

struct reading {
	FILE *file;
	const char *path;
	unsigned line;			/* the line being parsed, from 1 */
	bool refused;			/* *why holds the first complaint */
	inifile_setting *setting;
	void *context;
	struct reason *why;
};

static void refuse(struct reading *r, const char *complaint)
{
	if (!r->refused)
		reason_set(r->why, "%s:%u: %s", r->path, r->line, complaint);
	r->refused = true;
}

/* A section name that libinih would cut short. */
static bool section_too_long(const char *line)
{
	line += strspn(line, " \t");
	return line[0] == '[' && strcspn(line + 1, "]") > SECTION_MAX_BYTES;
}

/* The fgets(3) that libinih reads with: counts lines, ends the reading at
 * what libinih would silently cut. */
static char *next_line(char *buffer, int size, void *context)
{
	struct reading *r = context;

	if (r->refused || !fgets(buffer, size, r->file))
		return NULL;
	r->line++;
	if (!strchr(buffer, '\n') && !feof(r->file)) {
		refuse(r, "the line is longer than 4000 bytes, or holds a NUL byte");
		return NULL;
	}
	if (section_too_long(buffer)) {
		refuse(r, "the section name is longer than 49 bytes");
		return NULL;
	}
	return buffer;
}

static int take_setting(void *context, const char *section, const char *key,
	const char *value)
{
	struct reading *r = context;
	struct reason complaint;

	if (r->refused)
		return 0;
	if (r->setting(r->context, r->line, section, key, value, &complaint) < 0)
		refuse(r, complaint.text);
	return !r->refused;
}

int inifile_read(const char *path, inifile_setting *setting, void *context,
	struct reason *why)
{
	struct reading r = { .path = path, .setting = setting,
		.context = context, .why = why };
	int bad_line;

	r.file = fopen(path, "re");
	if (!r.file) {
		int err = errno;

		reason_set(why, "%s: %s", path, strerror(err));
		return err == ENOENT ? 1 : -1;
	}
	ini_use_stack = false;
	ini_initial_alloc = LINE_MAX_BYTES + 3;	/* CR, LF and NUL */
	ini_allow_multiline = false;
	ini_stop_on_first_error = true;
	bad_line = ini_parse_stream(next_line, &r, take_setting, &r);
	if (ferror(r.file) && !r.refused) {
		r.refused = true;
		reason_set(why, "%s: cannot be read: %s", path, strerror(errno));
	}
	(void)fclose(r.file);
	if (bad_line && !r.refused) {
		r.line = bad_line > 0 ? (unsigned)bad_line : r.line;
		refuse(&r, bad_line > 0 ? "neither [section], key = value nor comment"
			: "out of memory");
	}
	return r.refused ? -1 : 0;
}
