/*
 * import: puts files in as the receiver does, by the same code: for tests, and
 * for moving events between machines.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "event.h"
#include "tool.h"

struct importing {
	struct states *states;
	bool dry_run;
	uint64_t stored, known;
	struct reason why;
};

static int usage(int status)
{
	fprintf(status ? stderr : stdout, "usage: ringspool import [--dry-run] FILE...\n");
	return status;
}

/* 0 or an exit status, with importing->why filled. */
static int store(struct importing *importing, const struct event *event,
	const char *body, size_t size)
{
	if (importing->dry_run) {
		printf("%s\n", event->name);
		importing->stored++;
		return 0;
	}
	switch (spool_store(states_spool(importing->states), event->name, event->digest,
	    body, size, &importing->why)) {
	case SPOOL_STORED:
		importing->stored++;
		return 0;
	case SPOOL_DUPLICATE:
		importing->known++;
		return 0;
	default:
		return EX_IOERR;
	}
}

static int import_open(struct importing *importing, int fd)
{
	struct event event;
	size_t size;
	char *body = states_read(fd, &size, &importing->why);
	int status;

	if (!body)
		return EX_IOERR;
	status = event_read(&event, body, size, &importing->why);
	status = status == 0 ? store(importing, &event, body, size)
		: status == -1 ? EX_DATAERR : EX_OSERR;
	free(body);
	return status;
}

static int import_file(struct importing *importing, const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	int status;

	if (fd < 0) {
		reason_set(&importing->why, "%s", strerror(errno));
		status = EX_NOINPUT;
	} else {
		status = import_open(importing, fd);
		close(fd);
	}
	if (status != 0)
		fprintf(stderr, "ringspool import: %s: %s\n", path, importing->why.text);
	return status;
}

int command_import(struct tool *tool, int argc, char **argv)
{
	static const struct option options[] = {
		{ "dry-run", no_argument, NULL, 'n' },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 }
	};
	struct importing importing = { .states = tool->spools.states[0] };
	int option, status = EX_OK;

	while ((option = getopt_long(argc, argv, "h", options, NULL)) != -1) {
		if (option != 'n')
			return usage(option == 'h' ? EX_OK : EX_USAGE);
		importing.dry_run = true;
	}
	if (optind == argc)
		return usage(EX_USAGE);
	if (!importing.states)
		return tool_complain("import", EX_UNAVAILABLE, "the spool is not open");
	for (int i = optind; i < argc && status != EX_IOERR; i++) {
		int result = import_file(&importing, argv[i]);

		status = result != 0 ? result : status;
	}
	printf("%simported %llu event%s, %llu known already\n",
		importing.dry_run ? "would have " : "",
		(unsigned long long)importing.stored, importing.stored == 1 ? "" : "s",
		(unsigned long long)importing.known);
	return status;
}
