/*
 * config: what the [receiver] section of ringspool.conf(5), the environment
 * and the defaults say together.
 *
 * The environment wins over the file, the file over the defaults.  A struct
 * config is a plain value: it owns nothing and may be copied.
 */
#ifndef RINGSPOOL_CONFIG_H
#define RINGSPOOL_CONFIG_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "log.h"
#include "reason.h"

#define CONFIG_DEFAULT_FILE "/etc/ringspool/ringspool.conf"

enum {
	CONFIG_SETTINGS = 10,
	CONFIG_PATH_SIZE = 1024	/* with the NUL; a CGI would feel the clearing of more */
};

struct config {
	char file[CONFIG_PATH_SIZE];		/* "": none, all comes from the environment */
	char spool[CONFIG_PATH_SIZE];
	char fallback_spool[CONFIG_PATH_SIZE];	/* "": none */
	char verification_tokens[CONFIG_PATH_SIZE]; /* "": any sender may deliver */
	uint64_t max_body;		/* bytes */
	uint64_t min_free;		/* bytes */
	unsigned seen_days;
	unsigned request_timeout;	/* seconds */
	enum log_destination log;
	int log_level;			/* LOG_ERR .. LOG_DEBUG */
	bool confine;
	int origin[CONFIG_SETTINGS];	/* per setting: a line of the file, 0 default, -1 environment */
};

/* Fills *config from `file`; NULL means RINGSPOOL_CONFIG or else the default
 * file.  That one may be missing where RINGSPOOL_SPOOL is set.  Elsewhere it is
 * an error: a file that is away for a moment must not let everybody in, nor lead
 * events to a spool that nobody reads.  Returns 0, or -1 with *why filled; then
 * *config holds the defaults and what came before the error. */
int config_load(struct config *config, const char *file, struct reason *why);

/* Prints what is in force, a setting a line, with where each comes from. */
void config_print(const struct config *config, FILE *out);

/* Whether another program's section of the same file is meant:
 * [platform] or [subscription NAME]. */
int config_is_foreign_section(const char *section);

#endif
