/*
 * fill: files that wait in a spool and marks, a great many in little time.
 *
 *	fill DIRECTORY SUFFIX FIRST LAST
 *
 * Makes resident-NUMBER and the suffix, names as long as those of events.  They
 * are links to a few empty files (ext4 takes 65,000 to one), for what grows
 * with the number are the directories.
 */
#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { LINKS = 60000 };

int main(int argc, char **argv)
{
	char seed[256], name[256];
	long first, last;

	if (argc != 5)
		errx(64, "usage: fill DIRECTORY SUFFIX FIRST LAST");
	if (chdir(argv[1]) < 0)
		err(1, "%s", argv[1]);
	first = atol(argv[3]);
	last = atol(argv[4]);
	for (long number = first; number < last; number++) {
		int seeds = (number - first) % LINKS == 0;

		(void)snprintf(name, sizeof name, "resident-%044ld%.16s", number, argv[2]);
		if (seeds)
			(void)snprintf(seed, sizeof seed, "%s", name);
		if (seeds ? mknod(name, S_IFREG | 0640, 0) < 0 : link(seed, name) < 0)
			err(1, "%s", name);
	}
	return 0;
}
