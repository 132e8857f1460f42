#include "options.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <sysexits.h>

#include "config.h"

enum {
	DEFAULT_THREADS = 20,
	THREADS_MAX = 256,
	DEFAULT_MODE = 0660
};

static int usage(FILE *out, int status)
{
	fprintf(out, "usage: " PROGRAM " [-c CONFIG] [-s SOCKET [-m MODE]] [-t THREADS]\n"
		"       " PROGRAM " -T [-c CONFIG] | -V | -h\n"
		"  -c CONFIG   read this file instead of " CONFIG_DEFAULT_FILE "\n"
		"  -s SOCKET   listen here: a path, or HOST:PORT (no host: 127.0.0.1);\n"
		"              otherwise standard input or systemd's socket is taken\n"
		"  -m MODE     of the socket's path, in octal; %04o otherwise\n"
		"  -t THREADS  requests served at once, 1 to %d; %d otherwise\n"
		"  -T          test the configuration and the spool, print what is in force\n"
		"  -V          print the version\n"
		"  -h          print this help\n",
		(unsigned)DEFAULT_MODE, THREADS_MAX, DEFAULT_THREADS);
	return status;
}

static int mistaken(char option, const char *wanted, const char *value)
{
	fprintf(stderr, PROGRAM ": -%c wants %s, not %s\n", option, wanted, value);
	return usage(stderr, EX_USAGE);
}

static int parse_number(const char *text, int base, unsigned long most,
	unsigned long *number)
{
	char *end;

	errno = 0;
	*number = strtoul(text, &end, base);
	return errno || end == text || *end || text[0] == '-' || *number > most ? -1 : 0;
}

int options_parse(struct options *options, int argc, char **argv)
{
	unsigned long number;
	int option;

	*options = (struct options){ .mode = DEFAULT_MODE, .threads = DEFAULT_THREADS };
	while ((option = getopt(argc, argv, "c:s:m:t:TVh")) != -1) {
		switch (option) {
		case 'c':
			options->config = optarg;
			break;
		case 's':
			options->socket = optarg;
			break;
		case 'm':
			if (parse_number(optarg, 8, 0777, &number) < 0)
				return mistaken('m', "an octal mode", optarg);
			options->mode = (mode_t)number;
			break;
		case 't':
			if (parse_number(optarg, 10, THREADS_MAX, &number) < 0 || number == 0)
				return mistaken('t', "a number of threads", optarg);
			options->threads = (unsigned)number;
			break;
		case 'T':
			options->test = true;
			break;
		case 'V':
			puts(PROGRAM " " RINGSPOOL_VERSION);
			return EX_OK;
		case 'h':
			return usage(stdout, EX_OK);
		default:
			return usage(stderr, EX_USAGE);
		}
	}
	return optind < argc ? usage(stderr, EX_USAGE) : -1;
}
