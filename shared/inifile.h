/*
 * inifile: reads an INI file through libinih, strictly.
 *
 * libinih by itself cuts over-long lines and section names without a word,
 * takes an indented line for the continuation of the one above, and does not
 * say where it is.  Here a line may have 4,000 bytes and a section name 49,
 * what is longer is refused, indentation means nothing, and every complaint
 * names file and line.  A comment begins with ; or # at the start of a line,
 * or with a blank and ; behind a value.
 */
#ifndef RINGSPOOL_INIFILE_H
#define RINGSPOOL_INIFILE_H

#include "reason.h"

/* Called for each `key = value` in turn; `line` counts from 1.  The strings
 * live until it returns.  To refuse, fill *why (without file and line, which
 * are put in front of it) and return -1; the reading ends there.  Otherwise
 * return 0. */
typedef int inifile_setting(void *context, unsigned line, const char *section,
	const char *key, const char *value, struct reason *why);

/* Reads `path`.  Returns 0; 1 when there is no such file (and *why says so);
 * -1 with *why filled.  Not for two threads at once (libinih's options are
 * global). */
int inifile_read(const char *path, inifile_setting *setting, void *context,
	struct reason *why);

#endif
