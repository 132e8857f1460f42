/*
 * What `ringspool list` and `show` read: the name of a file in the spool, and
 * its contents.  Both come from outside.  Nothing of them may crash the tool,
 * or act on the terminal that they are shown on.
 *
 * An input is a file's name, a line end, and the contents.
 */
#include "ground.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../spool/family.h"
#include "../../spool/layout.h"
#include "../../spool/row.h"
#include "../../spool/text.h"
#include "entry.h"
#include "event.h"

/* The rows go to standard output, and nobody wants to see them. */
int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	return freopen("/dev/null", "w", stdout) ? 0 : 1;
}

static void require_plain(const char *text)
{
	for (; *text; text++)
		require(*text >= ' ' && *text <= '~');
}

/* What is shown of a text has no control character but the line's end. */
static void show(const char *body, size_t size)
{
	char *shown = NULL;
	size_t length = 0;
	FILE *out = open_memstream(&shown, &length);

	require(out != NULL);
	layout_print(out, body, size, false);
	require(fclose(out) == 0);
	for (size_t i = 0; i < length; i++)
		require(shown[i] == '\n' || (unsigned char)shown[i] >= ' ');
	free(shown);
}

static void list(const char *file, const struct envelope *envelope)
{
	struct table *table = table_new(2, 1800000000);

	require(table != NULL);
	for (int state = 0; state < STATE_COUNT; state++) {
		struct entry entry = { .state = STATE_WAITING };

		if (!entry_parse(&entry, (enum entry_state)state, file))
			continue;
		require_plain(entry.name);
		require_plain(entry.reason);
		table_add(table, &entry, envelope);
		row_print_json("/var/spool/ringspool", &entry, envelope, 1800000000);
	}
	table_end(table);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *text = (const char *)data, *end = memchr(text, '\n', size);
	size_t length = end ? (size_t)(end - text) : size;
	char *file = strndup(text, length);
	const char *body = end ? end + 1 : text + size;
	size_t body_size = size - (size_t)(body - text);
	char family[FAMILY_SIZE], plain[40];
	struct envelope envelope;
	struct reason why;

	require(file != NULL);
	(void)envelope_read(&envelope, body, body_size, &why);
	family_of(family, envelope.event);
	require_plain(family);
	text_plain(plain, sizeof plain, envelope.subscription);
	require_plain(plain);
	list(file, &envelope);
	show(body, body_size);
	free(file);
	return 0;
}
